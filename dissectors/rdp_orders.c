/*
 * rdp_orders.c - drawing orders ([MS-RDPEGDI] 2.2.2.2), each read as far as it takes to know where the next one begins.
 *
 * A primary order says which of its fields differ from those of the last order of its type, in a bit for each; coordinates may be
 * one byte of difference. None of these values tells how long a later order is, so none is kept; but the order's type, which an
 * order may leave out, is the last one's.
 */
#include "dissectors/rdp_share.h"

enum control_flag {
    ORDER_STANDARD = 0x01,
    ORDER_SECONDARY = 0x02,
    ORDER_BOUNDS = 0x04,
    ORDER_TYPE_CHANGE = 0x08,
    ORDER_DELTAS = 0x10,
    ORDER_ZERO_BOUNDS = 0x20,
};

/* Secondary orders say their length less 13, counted from their first byte; 6 of those are their header. */
#define SECONDARY_REST 7

/*
 * The fields of each primary order, a letter each: c a coordinate (2 bytes, or one of difference), 1 to 7 so many bytes,
 * v bytes behind one byte of length, w behind two.
 */
static const char *const primary_fields[] = {
    [0x00] = "cccc1",                  /* DstBlt */
    [0x01] = "cccc13311117",           /* PatBlt */
    [0x02] = "cccc1cc",                /* ScrBlt */
    [0x07] = "cccc2",                  /* DrawNineGrid */
    [0x08] = "cccc21w",                /* MultiDrawNineGrid */
    [0x09] = "2cccc31113",             /* LineTo */
    [0x0a] = "cccc111",                /* OpaqueRect */
    [0x0b] = "4cccc1",                 /* SaveBitmap */
    [0x0d] = "2cccc1cc2",              /* MemBlt */
    [0x0e] = "2cccc1cc33111172",       /* Mem3Blt */
    [0x0f] = "cccc11w",                /* MultiDstBlt */
    [0x10] = "cccc133111171w",         /* MultiPatBlt */
    [0x11] = "cccc1cc1w",              /* MultiScrBlt */
    [0x12] = "cccc1111w",              /* MultiOpaqueRect */
    [0x13] = "1233ccccccccccv",        /* FastIndex */
    [0x14] = "cc1131v",                /* PolygonSC */
    [0x15] = "cc1133111171v",          /* PolygonCB */
    [0x16] = "cc1231v",                /* Polyline */
    [0x18] = "1233ccccccccccv",        /* FastGlyph */
    [0x19] = "cccc113",                /* EllipseSC */
    [0x1a] = "cccc113311117",          /* EllipseCB */
    [0x1b] = "111133cccccccc11117ccv", /* GlyphIndex */
};

static void skip_field(char kind, bool is_delta, struct cursor *orders)
{
    if (kind == 'c')
        skip_bytes(orders, is_delta ? 1 : 2);
    else if (kind == 'v')
        skip_bytes(orders, take_u8(orders));
    else if (kind == 'w')
        skip_bytes(orders, take_u16_le(orders));
    else
        skip_bytes(orders, (size_t)(kind - '0'));
}

/* The clipping rectangle: which of its sides are given, whole or as a difference. */
static void skip_bounds(struct cursor *orders)
{
    uint8_t flags = take_u8(orders);

    for (unsigned i = 0; i < 4; i++) {
        if ((flags >> i & 1) != 0)
            skip_bytes(orders, 2);
        else if ((flags >> (i + 4) & 1) != 0)
            skip_bytes(orders, 1);
    }
}

/* Which fields are there: as many bytes as there are fields for, less those at the end that are 0. */
static uint32_t take_field_flags(uint8_t flags, size_t field_count, struct cursor *orders)
{
    size_t count = (field_count + 1 + 7) / 8;
    size_t zeros = flags >> 6;
    uint32_t fields = 0;

    for (size_t i = 0; i + zeros < count; i++)
        fields |= (uint32_t)take_u8(orders) << (8 * i);
    return fields;
}

static void read_primary(struct rdp_share *share, uint8_t flags, struct cursor *orders)
{
    uint8_t *type = &share->output.order_type;
    const char *fields;
    uint32_t present;

    if ((flags & ORDER_TYPE_CHANGE) != 0)
        *type = take_u8(orders);
    fields = *type < sizeof primary_fields / sizeof primary_fields[0] ? primary_fields[*type] : NULL;
    if (fields == NULL) {
        cursor_reject(orders);
        return;
    }
    present = take_field_flags(flags, strlen(fields), orders);
    if ((flags & ORDER_BOUNDS) != 0 && (flags & ORDER_ZERO_BOUNDS) == 0)
        skip_bounds(orders);
    for (size_t i = 0; fields[i] != '\0'; i++) {
        if ((present >> i & 1) != 0)
            skip_field(fields[i], (flags & ORDER_DELTAS) != 0, orders);
    }
}

static void read_secondary(struct cursor *orders)
{
    int length = (int16_t)take_u16_le(orders);

    skip_bytes(orders, 2 + 1); /* extra flags, type */
    if (length + SECONDARY_REST < 0)
        cursor_reject(orders);
    else
        skip_bytes(orders, (size_t)(length + SECONDARY_REST));
}

/* Bytes behind a head whose last two are their count. */
static void skip_counted(size_t head, struct cursor *orders)
{
    skip_bytes(orders, head);
    skip_bytes(orders, take_u16_le(orders));
}

static void skip_offscreen(struct cursor *orders)
{
    uint16_t flags = take_u16_le(orders);

    skip_bytes(orders, 2 + 2);
    if ((flags & 0x8000) != 0) /* bitmaps to delete */
        skip_bytes(orders, 2 * (size_t)take_u16_le(orders));
}

static void skip_stream_bitmap(struct cursor *orders)
{
    uint8_t flags = take_u8(orders);

    skip_bytes(orders, 1 + 2 + 2 + 2);               /* depth, type, width, height */
    skip_bytes(orders, (flags & 0x04) != 0 ? 4 : 2); /* size */
    skip_bytes(orders, take_u16_le(orders));
}

static void skip_gdiplus(size_t between, struct cursor *orders)
{
    uint16_t size;

    skip_bytes(orders, 1 + between);
    size = take_u16_le(orders);
    skip_bytes(orders, 4 + 4);
    skip_bytes(orders, size);
}

static void skip_gdiplus_cache(struct cursor *orders)
{
    uint16_t size;

    skip_bytes(orders, 1 + 2 + 2); /* flags, type, index */
    size = take_u16_le(orders);
    skip_bytes(orders, 4); /* total */
    skip_bytes(orders, size);
}

/* The window's order says its length from its first byte on, which is taken already. */
static void skip_window(struct cursor *orders)
{
    uint16_t length = take_u16_le(orders);

    if (length < 3)
        cursor_reject(orders);
    else
        skip_bytes(orders, length - 3u);
}

static void read_alternate(uint8_t flags, struct cursor *orders)
{
    switch (flags >> 2) {
    case 0: /* switch surface */
        skip_bytes(orders, 2);
        break;
    case 1:
        skip_offscreen(orders);
        break;
    case 2:
        skip_stream_bitmap(orders);
        break;
    case 3: /* stream bitmap, next */
        skip_counted(1 + 2, orders);
        break;
    case 4: /* create nine grid bitmap */
        skip_bytes(orders, 1 + 2 + 2 + 2 + 16);
        break;
    case 5: /* GDI+, first and last */
    case 7:
        skip_gdiplus(0, orders);
        break;
    case 6: /* GDI+, next */
        skip_counted(1, orders);
        break;
    case 8: /* GDI+ cache, first and last */
    case 10:
        skip_gdiplus_cache(orders);
        break;
    case 9: /* GDI+ cache, next */
        skip_counted(1 + 2 + 2, orders);
        break;
    case 11:
        skip_window(orders);
        break;
    case 13: /* frame marker */
        skip_bytes(orders, 4);
        break;
    default:
        cursor_reject(orders);
        break;
    }
}

void rdp_read_orders(struct rdp_share *share, unsigned count, struct cursor *orders)
{
    for (unsigned i = 0; i < count && cursor_left(orders) > 0; i++) {
        uint8_t flags = take_u8(orders);

        if ((flags & (ORDER_STANDARD | ORDER_SECONDARY)) == ORDER_SECONDARY)
            read_alternate(flags, orders);
        else if ((flags & ORDER_STANDARD) == 0)
            cursor_reject(orders);
        else if ((flags & ORDER_SECONDARY) != 0)
            read_secondary(orders);
        else if (share->output.orders_are_lost && (flags & ORDER_TYPE_CHANGE) == 0)
            return; /* the order that told the type is missing */
        else {
            share->output.orders_are_lost = false;
            read_primary(share, flags, orders);
        }
        if (!cursor_is_good(orders)) {
            share->output.orders_are_lost = true;
            rdp_tell_contradiction(share, FROM_SERVER, "a drawing order");
            return;
        }
        share->output.orders++;
    }
}
