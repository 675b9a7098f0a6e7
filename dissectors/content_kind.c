/*
 * content_kind.c - see content_kind.h. Signatures: the formats' own specifications, named at each; of archives and media as
 * PRONOM (The National Archives) lists them. Leaves out what two or three bytes would have to prove (BMP, ICO, MP3's frames), and
 * what stands behind the first bytes: macros in Office documents beyond them, archives' members.
 */
#include "dissectors/content_kind.h"

#include <stdio.h>

/* A PDF reader looks for "%PDF-" in so many first bytes (ISO 32000-1, annex H, note 13). */
#define PDF_SEARCH_BYTES 1024
/* Less than this may read as text by chance. */
#define TEXT_LEAST_BYTES 32
/* Scripts of the Windows Script Host are told by words in so many first bytes. */
#define SCRIPT_SEARCH_BYTES 4096
/* Of a name as findings show it. */
#define SHOWN_NAME_BYTES 200

#define BIT(KIND) ((uint64_t)1 << (KIND))
#define IMAGES (BIT(KIND_PNG) | BIT(KIND_JPEG) | BIT(KIND_GIF) | BIT(KIND_TIFF) | BIT(KIND_RIFF) | BIT(KIND_ISO_MEDIA))
#define MEDIA (BIT(KIND_RIFF) | BIT(KIND_ISO_MEDIA) | BIT(KIND_MATROSKA) | BIT(KIND_ASF) | BIT(KIND_OGG) | BIT(KIND_FLAC))
#define PROGRAMS (BIT(KIND_MSI) | BIT(KIND_PE) | BIT(KIND_ELF) | BIT(KIND_MACH_O) | BIT(KIND_JAVA_CLASS) | BIT(KIND_LINK))

static const char *const kind_names[KIND_COUNT] = {
    [KIND_TEXT] = "text",
    [KIND_RTF] = "a Rich Text document",
    [KIND_PDF] = "a PDF document",
    [KIND_POSTSCRIPT] = "a PostScript document",
    [KIND_OLE] = "an OLE compound file",
    [KIND_ZIP] = "a ZIP archive",
    [KIND_GZIP] = "gzip data",
    [KIND_BZIP2] = "bzip2 data",
    [KIND_XZ] = "xz data",
    [KIND_ZSTD] = "Zstandard data",
    [KIND_7Z] = "a 7-Zip archive",
    [KIND_RAR] = "a RAR archive",
    [KIND_CAB] = "a Cabinet archive",
    [KIND_PNG] = "a PNG image",
    [KIND_JPEG] = "a JPEG image",
    [KIND_GIF] = "a GIF image",
    [KIND_TIFF] = "a TIFF image",
    [KIND_RIFF] = "RIFF media",
    [KIND_ISO_MEDIA] = "ISO media",
    [KIND_MATROSKA] = "Matroska media",
    [KIND_ASF] = "ASF media",
    [KIND_OGG] = "Ogg media",
    [KIND_FLAC] = "FLAC audio",
    [KIND_MSI] = "a Windows Installer package",
    [KIND_PE] = "a Windows program",
    [KIND_ELF] = "an ELF program",
    [KIND_MACH_O] = "a macOS program",
    [KIND_JAVA_CLASS] = "a Java program",
    [KIND_LINK] = "a Windows shortcut",
};

/* ---- kinds by signature ---- */

struct signature {
    uint8_t offset;
    uint8_t length;
    const char *bytes;
    enum content_kind kind;
};

#define SIGNATURE(OFFSET, BYTES, KIND) \
    { \
        OFFSET, sizeof(BYTES) - 1, BYTES, KIND \
    }

static const struct signature signatures[] = {
    SIGNATURE(0, "{\\rtf", KIND_RTF),                           /* Rich Text Format 1.9.1 */
    SIGNATURE(0, "%!PS", KIND_POSTSCRIPT),                      /* Adobe 5001 */
    SIGNATURE(0, "\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", KIND_OLE), /* [MS-CFB] 2.2 */
    SIGNATURE(0, "PK\x03\x04", KIND_ZIP),                       /* APPNOTE.TXT 4.3.7 */
    SIGNATURE(0, "PK\x05\x06", KIND_ZIP),                       /* 4.3.16: without members */
    SIGNATURE(0, "\x1f\x8b\x08", KIND_GZIP),                    /* RFC 1952, 2.3.1 */
    SIGNATURE(4, "1AY&SY", KIND_BZIP2),                         /* behind BZh1 to BZh9 */
    SIGNATURE(0,
              "\xfd"
              "7zXZ\x00",
              KIND_XZ),                             /* The .xz File Format 2.1.1.1 */
    SIGNATURE(0, "\x28\xb5\x2f\xfd", KIND_ZSTD),    /* RFC 8878, 3.1.1 */
    SIGNATURE(0, "7z\xbc\xaf\x27\x1c", KIND_7Z),    /* 7zFormat.txt */
    SIGNATURE(0, "Rar!\x1a\x07", KIND_RAR),         /* RAR 5.0 technote */
    SIGNATURE(0, "MSCF\x00\x00\x00\x00", KIND_CAB), /* [MS-CAB] 2.1 */
    SIGNATURE(0, "\x89PNG\r\n\x1a\n", KIND_PNG),    /* RFC 2083, 3.1 */
    SIGNATURE(0, "\xff\xd8\xff", KIND_JPEG),        /* ITU T.81, B.1.1.3 */
    SIGNATURE(0, "GIF87a", KIND_GIF),               /* GIF89a, 17 */
    SIGNATURE(0, "GIF89a", KIND_GIF),
    SIGNATURE(0, "II*\x00", KIND_TIFF), /* TIFF 6.0, section 2 */
    SIGNATURE(0, "MM\x00*", KIND_TIFF),
    SIGNATURE(4, "ftyp", KIND_ISO_MEDIA),                                                       /* ISO/IEC 14496-12, 4.3 */
    SIGNATURE(0, "\x1a\x45\xdf\xa3", KIND_MATROSKA),                                            /* RFC 8794, 11.2.1 */
    SIGNATURE(0, "\x30\x26\xb2\x75\x8e\x66\xcf\x11\xa6\xd9\x00\xaa\x00\x62\xce\x6c", KIND_ASF), /* ASF 10.1 */
    SIGNATURE(0, "OggS\x00", KIND_OGG),                                                         /* RFC 3533, 6 */
    SIGNATURE(0, "fLaC\x00\x00\x00\x22", KIND_FLAC),                                            /* RFC 9639, 8.1 */
    SIGNATURE(0,
              "\x7f"
              "ELF",
              KIND_ELF),                           /* System V ABI, figure 4-4 */
    SIGNATURE(0, "\xfe\xed\xfa\xce", KIND_MACH_O), /* Apple mach-o/loader.h */
    SIGNATURE(0, "\xfe\xed\xfa\xcf", KIND_MACH_O),
    SIGNATURE(0, "\xce\xfa\xed\xfe", KIND_MACH_O),
    SIGNATURE(0, "\xcf\xfa\xed\xfe", KIND_MACH_O),
    SIGNATURE(0, "\x4c\x00\x00\x00\x01\x14\x02\x00\x00\x00\x00\x00\xc0\x00\x00\x00\x00\x00\x00\x46", KIND_LINK), /* [MS-SHLLINK] 2.1 */
};

static bool stands_at(struct bytes head, size_t offset, const char *bytes, size_t length)
{
    return head.length >= offset + length && memcmp(head.at + offset, bytes, length) == 0;
}

/* "MZ", and where the header at 0x3c points a new one (PE: the PE/COFF specification, 2; NE, LE, LX: its elders). */
static bool is_windows_program(struct bytes head)
{
    static const char *const marks[] = {"PE", "NE", "LE", "LX"};
    struct cursor cursor = cursor_over(head);
    struct bytes mark;
    uint32_t offset;

    if (!stands_at(head, 0, "MZ", 2))
        return false;
    skip_bytes(&cursor, 0x3c);
    offset = take_u32_le(&cursor);
    if (!cursor_is_good(&cursor) || offset < 0x40)
        return false;
    skip_bytes(&cursor, offset - 0x40);
    mark = take_bytes(&cursor, 2);
    for (size_t i = 0; mark.length == 2 && i < sizeof marks / sizeof marks[0]; i++) {
        if (memcmp(mark.at, marks[i], 2) == 0)
            return true;
    }
    return false;
}

/* 0xcafebabe begins both (JVM specification 4.1, mach-o/fat.h): then comes a class file's version, 45 at least, or a count of architectures. */
static enum content_kind java_or_universal(struct bytes head)
{
    struct cursor cursor = cursor_over(head);
    uint32_t mark = take_u32_be(&cursor);
    uint32_t next = take_u32_be(&cursor);

    if (!cursor_is_good(&cursor) || mark != 0xcafebabe)
        return KIND_UNKNOWN;
    if (next > 0 && next < 0x20)
        return KIND_MACH_O;
    return (next & 0xffff) >= 45 ? KIND_JAVA_CLASS : KIND_UNKNOWN;
}

static enum content_kind kind_by_signature(struct bytes head)
{
    for (size_t i = 0; i < sizeof signatures / sizeof signatures[0]; i++) {
        if (stands_at(head, signatures[i].offset, signatures[i].bytes, signatures[i].length))
            return signatures[i].kind;
    }
    if (stands_at(head, 0, "RIFF", 4) && (stands_at(head, 8, "WAVE", 4) || stands_at(head, 8, "AVI ", 4) || stands_at(head, 8, "WEBP", 4)))
        return KIND_RIFF;
    if (is_windows_program(head))
        return KIND_PE;
    return java_or_universal(head);
}

static struct bytes first_of(struct bytes bytes, size_t most)
{
    return bytes_of(bytes.at, bytes.length < most ? bytes.length : most);
}

static bool holds(struct bytes bytes, const char *text)
{
    return bytes.length > 0 && memmem(bytes.at, bytes.length, text, strlen(text)) != NULL;
}

static bool is_text_type(struct bytes mime_type)
{
    return bytes_begin_nocase(mime_type, "text/") || bytes_equal_nocase(mime_type, "application/json") ||
           bytes_equal_nocase(mime_type, "application/javascript");
}

enum content_kind content_kind_of(struct bytes head, struct bytes mime_type)
{
    enum content_kind kind = kind_by_signature(head);

    if (kind == KIND_OLE && bytes_equal_nocase(mime_type, "application/x-msi"))
        return KIND_MSI;
    if (kind != KIND_UNKNOWN)
        return kind;
    if (holds(first_of(head, PDF_SEARCH_BYTES), "%PDF-"))
        return KIND_PDF;
    if (bytes_equal_nocase(mime_type, "application/x-dosexec") || bytes_equal_nocase(mime_type, "application/vnd.microsoft.portable-executable"))
        return KIND_PE;
    return head.length >= TEXT_LEAST_BYTES && is_text_type(mime_type) ? KIND_TEXT : KIND_UNKNOWN;
}

/* ---- scripts ---- */

static bool is_blank(uint8_t byte)
{
    return byte == ' ' || byte == '\t' || byte == '\r' || byte == '\n';
}

static struct bytes behind_blanks(struct bytes head)
{
    if (stands_at(head, 0, "\xef\xbb\xbf", 3))
        head = bytes_of(head.at + 3, head.length - 3);
    while (head.length > 0 && is_blank(head.at[0]))
        head = bytes_of(head.at + 1, head.length - 1);
    return head;
}

/* "#!" and the path of what runs it (execve(2)). */
static bool has_interpreter(struct bytes head)
{
    size_t at = 2;

    if (!stands_at(head, 0, "#!", 2))
        return false;
    while (at < head.length && (head.at[at] == ' ' || head.at[at] == '\t'))
        at++;
    return at + 1 < head.length && head.at[at] == '/' && head.at[at + 1] > ' ' && head.at[at + 1] < 0x7f;
}

/* What a text begins with that is a script, without regard to case. */
static const struct script_beginning {
    const char *text;
    const char *what;
} script_beginnings[] = {
    {"@echo off", "a batch script"},
    {"<?php", "a PHP script"},
    {"#requires -", "a PowerShell script"},
    {"$erroractionpreference", "a PowerShell script"},
    {"powershell -", "a PowerShell script"},
    {"powershell.exe -", "a PowerShell script"},
    {"<job", "a Windows script"},
};

/* What stands in a text that the Windows Script Host is to run, and in no other. */
static const struct script_beginning script_words[] = {
    {"<hta:application", "an HTML application"},       {"new activexobject(", "a Windows script"},    {"createobject(\"wscript.", "a Windows script"},
    {"createobject(\"scripting.", "a Windows script"}, {"wscript.createobject(", "a Windows script"},
};

static const char *script_of(struct bytes head)
{
    struct bytes text = behind_blanks(head);
    struct bytes searched = first_of(text, SCRIPT_SEARCH_BYTES);

    if (has_interpreter(head))
        return "a script";
    for (size_t i = 0; i < sizeof script_beginnings / sizeof script_beginnings[0]; i++) {
        if (bytes_begin_nocase(text, script_beginnings[i].text))
            return script_beginnings[i].what;
    }
    for (size_t i = 0; i < sizeof script_words / sizeof script_words[0]; i++) {
        if (bytes_contain_nocase(searched, script_words[i].text))
            return script_words[i].what;
    }
    return NULL;
}

/* An image that a web server is to run: what such a server ignores stands before it. */
static bool hides_php(enum content_kind kind, struct bytes head)
{
    return (kind == KIND_GIF || kind == KIND_JPEG || kind == KIND_PNG) && (holds(head, "<?php") || holds(head, "<?PHP"));
}

const char *content_program(struct bytes head, struct bytes mime_type)
{
    enum content_kind kind = content_kind_of(head, mime_type);

    if ((BIT(kind) & PROGRAMS) != 0)
        return kind_names[kind];
    if (hides_php(kind, head))
        return "an image with a PHP script in it";
    return kind == KIND_TEXT || kind == KIND_UNKNOWN ? script_of(head) : NULL;
}

/* ---- names ---- */

/* What an extension may hold. KIND_UNKNOWN may stand under each name. */
struct extension {
    const char *extensions; /* lower case, a space around each */
    uint64_t kinds;
    bool runs; /* opening such a file runs it */
};

/*
 * Word opens RTF, HTML and ZIP under .doc, Excel tables of text and HTML under .xls; an Office document with a password is an OLE file whatever
 * its name ([MS-OFFCRYPTO] 2.3). Of kinds without a signature here (BMP, ICO, MP3, fonts) it is known what they cannot be.
 */
static const struct extension extensions[] = {
    {" txt log csv tsv md ini cfg conf xml json yml yaml sql css htm html c h cc cpp hpp py pl rb sh ", BIT(KIND_TEXT), false},
    {" rtf ", BIT(KIND_RTF), false},
    {" pdf ", BIT(KIND_PDF), false},
    {" ps eps ", BIT(KIND_POSTSCRIPT) | BIT(KIND_PDF), false},
    {" doc dot ", BIT(KIND_OLE) | BIT(KIND_RTF) | BIT(KIND_TEXT) | BIT(KIND_ZIP), false},
    {" xls xlt ", BIT(KIND_OLE) | BIT(KIND_TEXT) | BIT(KIND_ZIP), false},
    {" ppt pps ", BIT(KIND_OLE) | BIT(KIND_ZIP), false},
    {" docx dotx xlsx xltx pptx potx ppsx docm dotm xlsm xltm xlsb pptm potm ppsm ", BIT(KIND_ZIP) | BIT(KIND_OLE), false},
    {" odt ods odp odg epub kmz ", BIT(KIND_ZIP), false},
    {" zip ", BIT(KIND_ZIP), false},
    {" jar apk ", BIT(KIND_ZIP), true},
    {" gz tgz svgz ", BIT(KIND_GZIP), false},
    {" bz2 tbz tbz2 ", BIT(KIND_BZIP2), false},
    {" xz txz ", BIT(KIND_XZ), false},
    {" zst ", BIT(KIND_ZSTD), false},
    {" 7z ", BIT(KIND_7Z), false},
    {" rar ", BIT(KIND_RAR), false},
    {" cab ", BIT(KIND_CAB), false},
    {" png ", BIT(KIND_PNG), false},
    {" jpg jpeg jpe jfif ", BIT(KIND_JPEG), false},
    {" gif ", BIT(KIND_GIF), false},
    {" tif tiff ", BIT(KIND_TIFF), false},
    {" webp wav avi ", BIT(KIND_RIFF), false},
    {" heic heif avif mp4 m4a m4v mov 3gp ", BIT(KIND_ISO_MEDIA), false},
    {" bmp ico emf wmf ttf otf woff woff2 ", 0, false},
    {" svg ", BIT(KIND_TEXT) | BIT(KIND_GZIP), false},
    {" mkv mka webm ", BIT(KIND_MATROSKA), false},
    {" wmv wma asf ", BIT(KIND_ASF), false},
    {" ogg oga ogv opus ", BIT(KIND_OGG), false},
    {" flac ", BIT(KIND_FLAC) | BIT(KIND_OGG), false},
    {" mp3 mpg mpeg ", BIT(KIND_RIFF), false},
    {" exe scr dll sys ocx cpl pif ", BIT(KIND_PE), true},
    {" msi msp ", BIT(KIND_MSI) | BIT(KIND_OLE), true},
    {" lnk ", BIT(KIND_LINK), true},
    {" bat cmd js jse vbs vbe wsf wsh hta ps1 psm1 reg ", BIT(KIND_TEXT), true},
    {" com ", BIT(KIND_PE) | BIT(KIND_TEXT), true},
};

/* Extensions of what people open without a thought: such a one before an extension that runs is there to deceive. */
static const char harmless_extensions[] =
    " pdf doc docx xls xlsx ppt pptx rtf odt ods txt csv jpg jpeg png gif bmp tif tiff svg heic mp3 mp4 wav avi mov mkv wmv zip rar 7z gz eml msg ";

#define EXTENSION_BYTES_MOST 8

/* Without the blanks, and the dots behind it, that Windows takes away. */
static struct bytes without_end(struct bytes name)
{
    while (name.length > 0 && (is_blank(name.at[name.length - 1]) || name.at[name.length - 1] == '.'))
        name.length--;
    return name;
}

/* The extension of `*name`, in lower case with a space around it, and `*name` without it; empty where there is none. */
static void take_extension(struct bytes *name, char spaced[EXTENSION_BYTES_MOST + 3])
{
    struct bytes trimmed = without_end(*name);
    size_t start = trimmed.length;
    size_t length;

    spaced[0] = '\0';
    while (start > 0 && trimmed.length - start <= EXTENSION_BYTES_MOST && trimmed.at[start - 1] != '.')
        start--;
    length = trimmed.length - start;
    if (start < 2 || trimmed.at[start - 1] != '.' || length > EXTENSION_BYTES_MOST)
        return; /* ".profile" has none */
    for (size_t i = 0; i < length; i++) {
        uint8_t letter = trimmed.at[start + i];

        if (letter <= ' ' || letter >= 0x7f)
            return;
        spaced[1 + i] = (char)(letter >= 'A' && letter <= 'Z' ? letter + ('a' - 'A') : letter);
    }
    spaced[0] = ' ';
    spaced[1 + length] = ' ';
    spaced[2 + length] = '\0';
    *name = bytes_of(trimmed.at, start - 1);
}

static const struct extension *find_extension(const char *spaced)
{
    for (size_t i = 0; spaced[0] != '\0' && i < sizeof extensions / sizeof extensions[0]; i++) {
        if (strstr(extensions[i].extensions, spaced) != NULL)
            return &extensions[i];
    }
    return NULL;
}

/* U+202E writes what follows from right to left: "annexe[U+202E]fdp.exe" is shown as "annexeexe.pdf". */
static bool turns_around(struct bytes name)
{
    return holds(name, "\xe2\x80\xae");
}

/* ---- what is declared ---- */

/* What is to be seen or read, and never to be run. */
static const struct declaration {
    const char *beginning;
    const char *what;
    uint64_t kinds;
    bool is_exact; /* other kinds than those contradict it; else programs alone do: such types are declared carelessly */
} declarations[] = {
    {"image/", "an image", IMAGES | BIT(KIND_TEXT) | BIT(KIND_GZIP) | BIT(KIND_POSTSCRIPT), true},
    {"audio/", "audio", MEDIA | BIT(KIND_TEXT), true},
    {"video/", "a video", MEDIA | BIT(KIND_TEXT), true},
    {"application/pdf", "a PDF document", BIT(KIND_PDF), true},
    {"text/", "text", 0, false},
    {"application/msword", "a document", 0, false},
    {"application/rtf", "a document", 0, false},
    {"application/vnd.ms-excel", "a document", 0, false},
    {"application/vnd.ms-powerpoint", "a document", 0, false},
    {"application/vnd.openxmlformats", "a document", 0, false},
    {"application/vnd.oasis.opendocument", "a document", 0, false},
};

static const struct declaration *find_declaration(struct bytes declared_type)
{
    for (size_t i = 0; i < sizeof declarations / sizeof declarations[0]; i++) {
        if (bytes_begin_nocase(declared_type, declarations[i].beginning))
            return &declarations[i];
    }
    return NULL;
}

/* ---- the judgement ---- */

/* What is judged. */
struct judged {
    enum content_kind kind;
    struct bytes head;
    struct bytes mime_type;
    struct bytes name;
    struct bytes declared_type;
    char extension[EXTENSION_BYTES_MOST + 3];
    const struct extension *known; /* NULL: an extension that promises nothing */
};

static bool add(struct content_suspicion *suspicion, const char *severity, const char *name, const char *detail, const char *word, const char *other)
{
    suspicion->severity = severity;
    suspicion->name = name;
    snprintf(suspicion->detail, sizeof suspicion->detail, detail, word, other);
    suspicion->detail[without_end(bytes_of_text(suspicion->detail)).length] = '\0'; /* the blank behind an extension */
    return true;
}

static bool judge_name(const struct judged *judged, struct content_suspicion *suspicion)
{
    struct bytes rest = judged->name;
    char last[EXTENSION_BYTES_MOST + 3];
    char before[EXTENSION_BYTES_MOST + 3];

    if (turns_around(judged->name)) {
        const char *program = content_program(judged->head, judged->mime_type);

        if (program != NULL || (judged->known != NULL && judged->known->runs))
            return add(suspicion, "alarm", "file_executable_disguised", "%s, and its name is written from right to left%s",
                       program != NULL ? program : "its extension runs it", "");
        return add(suspicion, "warning", "file_double_extension", "%s%s", "its name is written from right to left in part", "");
    }
    if (judged->known == NULL || !judged->known->runs)
        return false;
    take_extension(&rest, last);
    take_extension(&rest, before);
    if (before[0] == '\0' || strstr(harmless_extensions, before) == NULL)
        return false;
    before[strlen(before) - 1] = '\0';
    last[strlen(last) - 1] = '\0';
    return add(suspicion, "warning", "file_double_extension", "it looks like .%s and is run as .%s", before + 1, last + 1);
}

static bool judge_macros(const struct judged *judged, struct content_suspicion *suspicion)
{
    static const char without_macros[] = " docx dotx xlsx xltx pptx potx ppsx ";

    if (judged->kind != KIND_ZIP || judged->extension[0] == '\0' || strstr(without_macros, judged->extension) == NULL ||
        !holds(judged->head, "vbaProject.bin"))
        return false;
    return add(suspicion, "warning", "file_type_mismatch", "a document with macros, named .%s%s", judged->extension + 1, "");
}

static bool judge_content_by_name(const struct judged *judged, struct content_suspicion *suspicion)
{
    bool is_program_kind = (BIT(judged->kind) & PROGRAMS) != 0;
    const struct extension *known = judged->known;
    bool fits = judged->kind == KIND_UNKNOWN || (known != NULL && (known->kinds & BIT(judged->kind)) != 0);
    const char *program = NULL;
    const char *severity;

    if (known == NULL)
        return false;
    /* a script is text: under a text's name it is what it says */
    if (!known->runs && (is_program_kind || (known->kinds & BIT(KIND_TEXT)) == 0))
        program = content_program(judged->head, judged->mime_type);
    if (program != NULL)
        return add(suspicion, "alarm", "file_executable_disguised", "%s, named .%s", program, judged->extension + 1);
    if (fits)
        return false;
    severity = (BIT(judged->kind) & IMAGES) != 0 && (known->kinds & IMAGES) != 0 ? "notice" : "warning";
    return add(suspicion, severity, "file_type_mismatch", "%s, named .%s", kind_names[judged->kind], judged->extension + 1);
}

static bool judge_content_by_declaration(const struct judged *judged, struct content_suspicion *suspicion)
{
    const struct declaration *declaration = find_declaration(judged->declared_type);
    bool is_program_kind = (BIT(judged->kind) & PROGRAMS) != 0;

    if (declaration == NULL || judged->kind == KIND_UNKNOWN)
        return false;
    if (is_program_kind) /* a name that runs it hides nothing */
        return judged->known != NULL && judged->known->runs
                   ? add(suspicion, "warning", "file_type_mismatch", "%s, declared as %s", kind_names[judged->kind], declaration->what)
                   : add(suspicion, "alarm", "file_executable_disguised", "%s, declared as %s", kind_names[judged->kind], declaration->what);
    if (!declaration->is_exact || (declaration->kinds & BIT(judged->kind)) != 0)
        return false;
    return add(suspicion, "warning", "file_type_mismatch", "%s, declared as %s", kind_names[judged->kind], declaration->what);
}

size_t content_judge(struct bytes head, struct bytes mime_type, struct bytes name, struct bytes declared_type,
                     struct content_suspicion suspicions[CONTENT_SUSPICIONS_MOST])
{
    struct judged judged = {
        .kind = content_kind_of(head, mime_type),
        .head = head,
        .mime_type = mime_type,
        .name = name,
        .declared_type = bytes_trim(declared_type),
    };
    struct bytes rest = name;
    size_t count = 0;

    take_extension(&rest, judged.extension);
    judged.known = find_extension(judged.extension);
    if (judge_name(&judged, &suspicions[0]))
        count++;
    /* one word about what it is: the name's contradiction comes first, for it is what the receiver sees */
    if (count == 1 && strcmp(suspicions[0].name, "file_executable_disguised") == 0)
        return count;
    if (judge_content_by_name(&judged, &suspicions[count]) || judge_macros(&judged, &suspicions[count]) ||
        judge_content_by_declaration(&judged, &suspicions[count]))
        count++;
    return count;
}

void content_find_contradictions(struct conversation *conversation, struct content *content, struct bytes name, struct bytes declared_type)
{
    struct content_suspicion suspicions[CONTENT_SUSPICIONS_MOST];
    size_t count = content_judge(content_head(content), content_mime_type(content), name, declared_type, suspicions);
    struct bytes shown = first_of(name, SHOWN_NAME_BYTES);

    for (size_t i = 0; i < count; i++) {
        if (name.length > 0)
            conversation_finding(conversation, suspicions[i].severity, suspicions[i].name, "'%.*s': %s", (int)shown.length, (const char *)shown.at,
                                 suspicions[i].detail);
        else
            conversation_finding(conversation, suspicions[i].severity, suspicions[i].name, "a file without a name: %s", suspicions[i].detail);
    }
}
