/* Scenes: the recorded sessions that make_load multiplies. A packet is kept as a template, with the sum of all that its
 * checksums cover but the addresses; a copy needs only the addresses put in and their sums added.
 * Reference: RFC 791, 8200, 9293; the texts of addresses are found by their spelling, whatever the protocol. */
#define _GNU_SOURCE 1

#include "load.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    FRAME_MAX = 65535 + 64, /* the largest IP packet and its link header */
    CAPTURE_MAX = 64 << 20, /* bytes of one capture to multiply */
    TCP_HEADER_LEAST = 20
};

struct capture {
    const char *path;
    uint8_t *bytes;
    size_t length;
    bool is_swapped, is_nanoseconds;
};

static uint32_t capture_u32(const struct capture *capture, size_t offset)
{
    uint32_t value;
    memcpy(&value, capture->bytes + offset, sizeof value);
    return capture->is_swapped ? __builtin_bswap32(value) : value;
}

static void capture_read(struct capture *capture, const char *path)
{
    FILE *file = fopen(path, "rb");
    if (file == NULL)
        fail("%s: %s", path, strerror(errno));
    *capture = (struct capture){.path = path, .bytes = allocate(NULL, CAPTURE_MAX)};
    capture->length = fread(capture->bytes, 1, CAPTURE_MAX, file);
    if (ferror(file) || capture->length == CAPTURE_MAX)
        fail("%s: cannot be read, or is larger than %d bytes", path, CAPTURE_MAX);
    fclose(file);
    if (capture->length < 24)
        fail("%s: too short for a pcap file", path);
    uint32_t magic = capture_u32(capture, 0);
    capture->is_swapped = magic == 0xD4C3B2A1 || magic == 0x4D3CB2A1;
    magic = capture_u32(capture, 0);
    if (magic != 0xA1B2C3D4 && magic != 0xA1B23C4D)
        fail("%s: not a classic pcap file", path);
    capture->is_nanoseconds = magic == 0xA1B23C4D;
    if ((capture_u32(capture, 20) & 0xFFFF) != 1)
        fail("%s: link type %" PRIu32 " is not Ethernet", path, capture_u32(capture, 20) & 0xFFFF);
}

static uint8_t scene_host(struct scene *scene, const uint8_t *bytes, bool is_ipv6)
{
    size_t length = is_ipv6 ? 16 : 4;
    for (size_t index = 0; index < scene->host_count; index++)
        if (scene->hosts[index].is_ipv6 == is_ipv6 && memcmp(scene->hosts[index].bytes, bytes, length) == 0)
            return (uint8_t)index;
    if (scene->host_count == HOSTS_MAX)
        fail("%s: more than %d hosts", scene->name, HOSTS_MAX);
    struct host *host = &scene->hosts[scene->host_count];
    host->is_ipv6 = is_ipv6;
    memcpy(host->bytes, bytes, length);
    return (uint8_t)scene->host_count++;
}

/* Where the IP header begins, behind the VLAN tags; 0 if there is none. */
static size_t find_ip(const uint8_t *frame, size_t length, bool *is_ipv6)
{
    size_t offset = 12;
    while (offset + 2 <= length) {
        uint16_t type = get_u16_be(frame + offset);
        if (type == 0x0800 || type == 0x86DD) {
            *is_ipv6 = type == 0x86DD;
            return offset + 2;
        }
        if (type != 0x8100 && type != 0x88A8)
            return 0;
        offset += 4;
    }
    return 0;
}

/* Adds the frame to the scene if it carries TCP; returns false if it does not. Ethernet padding is cut off. */
static bool scene_add(struct scene *scene, const uint8_t *frame, size_t captured, size_t original, uint64_t time)
{
    struct packet packet = {.time = time};
    size_t ip = find_ip(frame, captured, &packet.is_ipv6);
    if (ip == 0 || ip + (packet.is_ipv6 ? 40 : 20) > captured)
        return false;
    size_t header = packet.is_ipv6 ? 40 : (size_t)(frame[ip] & 0x0F) * 4;
    uint8_t protocol = frame[ip + (packet.is_ipv6 ? 6 : 9)];
    if (protocol != IPPROTO_TCP)
        return false;
    size_t end = ip + (packet.is_ipv6 ? 40u : 0u) + get_u16_be(frame + ip + (packet.is_ipv6 ? 4 : 2));
    if (!packet.is_ipv6 && (get_u16_be(frame + ip + 6) & 0x3FFF) != 0)
        fail("%s: packet %zu is a fragment", scene->name, scene->packet_count + 1);
    if (captured < original || end > captured || header < 20 || ip + header + TCP_HEADER_LEAST > end)
        fail("%s: TCP packet %zu is cut short", scene->name, scene->packet_count + 1);
    size_t tcp_header = (size_t)(frame[ip + header + 12] >> 4) * 4;
    if (tcp_header < TCP_HEADER_LEAST || ip + header + tcp_header > end)
        fail("%s: TCP packet %zu has a bad header length", scene->name, scene->packet_count + 1);
    size_t from = ip + (packet.is_ipv6 ? 8 : 12);
    packet.from = scene_host(scene, frame + from, packet.is_ipv6);
    packet.to = scene_host(scene, frame + from + (packet.is_ipv6 ? 16 : 4), packet.is_ipv6);
    packet.ip_offset = (uint16_t)ip;
    packet.tcp_offset = (uint16_t)(ip + header);
    packet.length = (uint32_t)end;
    packet.frame = allocate(NULL, end);
    memcpy(packet.frame, frame, end);
    if (scene->packet_count == scene->packet_room) {
        scene->packet_room = scene->packet_room * 2 + 64;
        scene->packets = allocate(scene->packets, scene->packet_room * sizeof packet);
    }
    scene->packets[scene->packet_count++] = packet;
    return true;
}

static bool is_address_character(uint8_t byte, bool is_ipv6)
{
    if (byte >= '0' && byte <= '9')
        return true;
    return is_ipv6 && (byte == ':' || (byte >= 'a' && byte <= 'f') || (byte >= 'A' && byte <= 'F'));
}

static void add_edit(struct scene *scene, struct packet *packet, size_t offset, size_t host, size_t width, bool has_commas)
{
    unsigned known_width = scene->hosts[host].text_width;
    if (known_width != 0 && known_width != width)
        fail("%s: the address of a host is written in two ways", scene->name);
    if (packet->edit_count == EDITS_MAX)
        fail("%s: more than %d address texts in one packet", scene->name, EDITS_MAX);
    scene->hosts[host].text_width = (unsigned)width;
    packet->edits[packet->edit_count++] = (struct text_edit){.offset = (uint32_t)offset, .host = (uint8_t)host, .has_commas = has_commas};
}

static void find_ipv4_text(struct scene *scene, struct packet *packet, size_t payload, size_t host, char separator)
{
    char text[INET_ADDRSTRLEN];
    inet_ntop(AF_INET, scene->hosts[host].bytes, text, sizeof text);
    for (char *character = text; *character != '\0'; character++)
        if (*character == '.')
            *character = separator;
    size_t width = strlen(text);
    for (size_t offset = payload; offset + width <= packet->length; offset++) {
        const uint8_t *found = memmem(packet->frame + offset, packet->length - offset, text, width);
        if (found == NULL)
            return;
        offset = (size_t)(found - packet->frame);
        bool begins = offset == payload || !is_address_character(packet->frame[offset - 1], false);
        bool ends = offset + width == packet->length || !is_address_character(packet->frame[offset + width], false);
        if (begins && ends)
            add_edit(scene, packet, offset, host, width, separator == ',');
    }
}

static void find_ipv6_text(struct scene *scene, struct packet *packet, size_t payload)
{
    size_t offset = payload;
    while (offset < packet->length) {
        size_t end = offset;
        while (end < packet->length && is_address_character(packet->frame[end], true))
            end++;
        char text[INET6_ADDRSTRLEN] = {0};
        uint8_t bytes[16];
        if (end - offset > 2 && end - offset < sizeof text) {
            memcpy(text, packet->frame + offset, end - offset);
            if (inet_pton(AF_INET6, text, bytes) == 1)
                for (size_t host = 0; host < scene->host_count; host++)
                    if (scene->hosts[host].is_ipv6 && memcmp(scene->hosts[host].bytes, bytes, 16) == 0)
                        add_edit(scene, packet, offset, host, end - offset, false);
        }
        offset = end + 1;
    }
}

static void find_texts(struct scene *scene, struct packet *packet)
{
    size_t payload = packet->tcp_offset + (size_t)(packet->frame[packet->tcp_offset + 12] >> 4) * 4;
    for (size_t host = 0; host < scene->host_count; host++) {
        if (scene->hosts[host].is_ipv6)
            continue;
        find_ipv4_text(scene, packet, payload, host, '.');
        find_ipv4_text(scene, packet, payload, host, ',');
    }
    find_ipv6_text(scene, packet, payload);
}

/* Zeroes addresses and checksums in the template and keeps the sums of the rest. */
static void prepare_sums(struct packet *packet)
{
    uint8_t *ip = packet->frame + packet->ip_offset;
    uint8_t *tcp = packet->frame + packet->tcp_offset;
    size_t segment = packet->length - packet->tcp_offset;
    if (packet->is_ipv6)
        memset(ip + 8, 0, 32);
    else
        memset(ip + 10, 0, 10);
    memset(tcp + 16, 0, 2);
    packet->ip_sum = packet->is_ipv6 ? 0 : sum_bytes(ip, (size_t)(tcp - ip));
    packet->tcp_sum = fold((uint64_t)sum_bytes(tcp, segment) + pseudo_header_sum(segment));
}

static void scene_finish(struct scene *scene)
{
    if (scene->packet_count == 0)
        fail("%s: no TCP packets", scene->name);
    uint64_t first = scene->packets[0].time;
    uint64_t latest = 0;
    for (size_t index = 0; index < scene->packet_count; index++) {
        struct packet *packet = &scene->packets[index];
        find_texts(scene, packet);
        prepare_sums(packet);
        uint64_t time = packet->time > first ? packet->time - first : 0;
        latest = time > latest ? time : latest;
        packet->time = latest;
        scene->bytes += RECORD_HEADER + packet->length;
    }
    scene->duration = latest;
    for (size_t index = 0; index < scene->host_count; index++) {
        struct host *host = &scene->hosts[index];
        unsigned width = host->text_width;
        if (width == 0)
            width = host->is_ipv6 ? IPV6_WIDTH : IPV4_WIDTH;
        host->pool = pool_of(host->is_ipv6, width);
        if (host->pool == NULL)
            fail("%s: there are no fresh addresses %u characters wide", scene->name, width);
    }
}

void scene_load(struct scene *scene, const char *path, uint64_t *left_out)
{
    struct capture capture;
    capture_read(&capture, path);
    *scene = (struct scene){.name = path};
    size_t offset = 24;
    while (offset + RECORD_HEADER <= capture.length) {
        uint64_t time = capture_u32(&capture, offset) * SECOND;
        time += capture_u32(&capture, offset + 4) * (capture.is_nanoseconds ? UINT64_C(1) : UINT64_C(1000));
        size_t captured = capture_u32(&capture, offset + 8);
        size_t original = capture_u32(&capture, offset + 12);
        offset += RECORD_HEADER;
        if (captured > capture.length - offset || captured > FRAME_MAX)
            fail("%s: a packet is cut short or too long", path);
        if (!scene_add(scene, capture.bytes + offset, captured, original, time))
            ++*left_out;
        offset += captured;
    }
    free(capture.bytes);
    scene_finish(scene);
}

void scene_free(struct scene *scene)
{
    for (size_t index = 0; index < scene->packet_count; index++)
        free(scene->packets[index].frame);
    free(scene->packets);
}

static void replace_texts(const struct address *addresses, const struct packet *packet, uint8_t *frame)
{
    for (size_t index = 0; index < packet->edit_count; index++) {
        const struct text_edit *edit = &packet->edits[index];
        const char *text = addresses[edit->host].text;
        for (size_t position = 0; text[position] != '\0'; position++)
            frame[edit->offset + position] = (uint8_t)(edit->has_commas && text[position] == '.' ? ',' : text[position]);
    }
}

void scene_write(const struct scene *scene, size_t index, const struct address *addresses, uint64_t time)
{
    const struct packet *packet = &scene->packets[index];
    const struct address *from = &addresses[packet->from];
    const struct address *to = &addresses[packet->to];
    uint8_t *frame = output_packet(time, packet->length);
    memcpy(frame, packet->frame, packet->length);
    uint8_t *place = frame + packet->ip_offset + (packet->is_ipv6 ? 8 : 12);
    memcpy(place, from->bytes, from->length);
    memcpy(place + from->length, to->bytes, to->length);
    uint64_t address_sum = (uint64_t)from->sum + to->sum;
    uint64_t tcp_sum = packet->tcp_sum;
    if (packet->edit_count > 0) {
        size_t segment = packet->length - packet->tcp_offset;
        replace_texts(addresses, packet, frame);
        tcp_sum = (uint64_t)sum_bytes(frame + packet->tcp_offset, segment) + pseudo_header_sum(segment);
    }
    if (!packet->is_ipv6)
        put_checksum(frame + packet->ip_offset + 10, packet->ip_sum + address_sum);
    put_checksum(frame + packet->tcp_offset + 16, tcp_sum + address_sum);
}

uint64_t scenes_stretch(struct scene *scenes, size_t count, uint64_t under_way, uint64_t bytes_per_second)
{
    uint64_t bytes = 0, duration = 0;
    for (size_t index = 0; index < count; index++) {
        bytes += scenes[index].bytes;
        duration += scenes[index].duration / 1000;
    }
    if (duration == 0)
        return 1000000;
    /* copies a second = rate / (bytes / count); under_way = copies a second * (duration / count) * factor */
    long double factor = (long double)under_way * bytes / bytes_per_second * 1e6L / duration;
    uint64_t millionths = (uint64_t)(factor * 1e6L);
    for (size_t index = 0; index < count; index++)
        for (size_t packet = 0; packet < scenes[index].packet_count; packet++) {
            uint64_t *time = &scenes[index].packets[packet].time;
            *time = *time / 1000 * millionths / 1000;
        }
    return millionths;
}
