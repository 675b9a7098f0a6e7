/*
 * tls_judge.c - findings on TLS sessions: versions and cipher suites that nobody should use any more, and what is wrong with the server's
 * certificate. Nothing is verified: who issued it is not asked.
 */
#include "dissectors/certificate.h"
#include "dissectors/tls_session.h"

static void judge_certificate(struct conversation *conversation, const struct tls *tls)
{
    const struct certificate *certificate = tls->certificate;
    int64_t now_us = conversation_now(conversation);
    struct bytes host = text_bytes(&tls->server_name);

    if (certificate == NULL)
        return;
    if (certificate->is_self_signed)
        conversation_finding_once(conversation, "notice", "tls_certificate_self_signed", "the server's certificate is signed by itself: %s",
                                  certificate->subject.at != NULL ? certificate->subject.at : "no name");
    if (certificate->has_validity && now_us > certificate->not_after_us)
        conversation_finding_once(conversation, "warning", "tls_certificate_expired", "the server's certificate was valid until %lld days before this session",
                                  (long long)((now_us - certificate->not_after_us) / 86400000000LL));
    if (certificate->has_validity && now_us < certificate->not_before_us)
        conversation_finding_once(conversation, "warning", "tls_certificate_not_yet_valid", "the server's certificate becomes valid %lld days after this session",
                                  (long long)((certificate->not_before_us - now_us) / 86400000000LL));
    if (host.length > 0 && !certificate_is_for(certificate, host))
        conversation_finding_once(conversation, "warning", "tls_certificate_name_mismatch", "the client asked for %s; the server's certificate is for %s", tls->server_name.at,
                                  certificate->names.length > 0 ? certificate->names.at : certificate->subject.at != NULL ? certificate->subject.at : "no name");
}

/* Which document says so; NULL: it is not obsolete. */
static const char *obsoleted_by(uint16_t version)
{
    switch (version) {
    case 0x0002:
        return "RFC 6176";
    case 0x0300:
        return "RFC 7568";
    case TLS_VERSION_1_0:
    case TLS_VERSION_1_1:
    case TLS_VERSION_DTLS_1_0:
        return "RFC 8996";
    default:
        return NULL;
    }
}

static void judge_version(struct conversation *conversation, const struct tls *tls)
{
    const char *document = tls->has_version ? obsoleted_by(tls->version) : NULL;

    if (document != NULL)
        conversation_finding_once(conversation, tls->version <= 0x0300 ? "warning" : "notice", "tls_version_obsolete", "the server chose %s (%s)", tls_version_name(tls->version),
                                  document);
}

static void judge_cipher(struct conversation *conversation, const struct tls *tls)
{
    const char *weakness = tls->has_version && tls->version != 0x0002 ? tls_suite_weakness(tls->cipher) : NULL;

    if (weakness != NULL)
        conversation_finding_once(conversation, "warning", "tls_cipher_weak", "the server chose %s: %s", tls_suite_name(tls->cipher), weakness);
}

void tls_judge(struct conversation *conversation, const struct tls *tls)
{
    judge_version(conversation, tls);
    judge_cipher(conversation, tls);
    judge_certificate(conversation, tls);
}
