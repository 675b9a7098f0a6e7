/*
 * content_kind.h - what a file is by its first bytes, and whether its name or its declared type says something else.
 *
 * Says nothing rather than something wrong: what is not recognized contradicts nothing, a name's unknown extension
 * promises nothing, one kind of text is as good as another, and whatever is packed as ZIP is a ZIP.
 */
#ifndef WIRESCRIBE_DISSECTORS_CONTENT_KIND_H
#define WIRESCRIBE_DISSECTORS_CONTENT_KIND_H

#include "dissectors/content.h"

enum content_kind {
    KIND_UNKNOWN,
    KIND_TEXT,
    KIND_RTF,
    KIND_PDF,
    KIND_POSTSCRIPT,
    KIND_OLE, /* [MS-CFB]: documents of the old Office, messages of Outlook, also packages of the Windows Installer */
    KIND_ZIP,
    KIND_GZIP,
    KIND_BZIP2,
    KIND_XZ,
    KIND_ZSTD,
    KIND_7Z,
    KIND_RAR,
    KIND_CAB,
    KIND_PNG,
    KIND_JPEG,
    KIND_GIF,
    KIND_TIFF,
    KIND_RIFF,      /* WAV, AVI, WebP */
    KIND_ISO_MEDIA, /* MP4, MOV, HEIC, AVIF */
    KIND_MATROSKA,
    KIND_ASF,
    KIND_OGG,
    KIND_FLAC,
    /* from here on programs */
    KIND_MSI,
    KIND_PE,
    KIND_ELF,
    KIND_MACH_O,
    KIND_JAVA_CLASS,
    KIND_LINK, /* [MS-SHLLINK]: may run anything */
    KIND_COUNT,
};

/* `head`: the file's first bytes; `mime_type`: what libmagic says of them, may be empty. */
enum content_kind content_kind_of(struct bytes head, struct bytes mime_type);

/* What kind of program or script it is, for a person to read: "a Windows program"; NULL where it is none that is known. */
const char *content_program(struct bytes head, struct bytes mime_type);

/* One thing that is wrong. */
struct content_suspicion {
    const char *severity;
    const char *name; /* 'file_type_mismatch', 'file_executable_disguised' or 'file_double_extension' */
    char detail[160];
};
#define CONTENT_SUSPICIONS_MOST 2

/* What is wrong with a file of that content under that name (as it came, without directories) and that declared type (both may be empty). Their count. */
size_t content_judge(struct bytes head, struct bytes mime_type, struct bytes name, struct bytes declared_type,
                     struct content_suspicion suspicions[CONTENT_SUSPICIONS_MOST]);

/*
 * Writes the findings about a file, behind content_end. `name`: without directories; `declared_type`: the media type that the
 * sender declared, parameters may follow; both may be empty. Not for a content whose first bytes are not the file's (a transfer
 * resumed in the middle): of that, ask with content == NULL, and only the name is looked at.
 */
void content_find_contradictions(struct conversation *conversation, struct content *content, struct bytes name, struct bytes declared_type);

#endif
