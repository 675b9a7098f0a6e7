/* tunnel.c - see tunnel.h */
#include "base/tunnel.h"

#include <stdio.h>

#define TUNNEL_ENTRY(NAME, TEXT, HAS_ID) {TEXT, HAS_ID},
static const struct {
    const char *text;
    bool has_id;
} kinds[TUNNEL_KIND_COUNT] = {TUNNEL_KINDS(TUNNEL_ENTRY)};

bool tunnel_push(struct tunnel_path *path, enum tunnel_kind kind, uint32_t id)
{
    if (path->count >= TUNNEL_LAYERS)
        return false;
    path->kinds[path->count] = (uint8_t)kind;
    path->ids[path->count] = id;
    path->count++;
    return true;
}

unsigned tunnel_to_text(const struct tunnel_path *path, char text[TUNNEL_TEXT_SIZE])
{
    unsigned length = 0;

    text[0] = '\0';
    for (unsigned i = 0; i < path->count; i++) {
        const char *between = i > 0 ? " > " : "";
        const char *name = kinds[path->kinds[i]].text;
        size_t room = TUNNEL_TEXT_SIZE - length;
        int written = kinds[path->kinds[i]].has_id ? snprintf(text + length, room, "%s%s %u", between, name, path->ids[i])
                                                   : snprintf(text + length, room, "%s%s", between, name);

        if (written < 0 || (size_t)written >= room)
            break;
        length += (unsigned)written;
    }
    return length;
}
