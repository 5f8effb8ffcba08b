/* SPDX-License-Identifier: BSD-2-Clause */
#include "attach/pcap/reader.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "base/clock.h"
#include "base/error.h"
#include "capture/pcapng.h"

#define MAGIC_US 0xa1b2c3d4u
#define MAGIC_NS 0xa1b23c4du

/* The link type's word in a pcap header: type, and length of the FCS. */
#define LINK_MASK    0xffffu
#define LINK_HAS_FCS (1u << 26)
#define LINK_FCS(w)  ((w) >> 28 << 1)

enum {
	PCAP_HDR_LEN = 24,
	PCAP_REC_LEN = 16,
	PCAP_MAJOR = 2,
	PCAPNG_MAJOR = 1,

	BLOCK_LEN_MIN = 12,
	BLOCK_BODY = 8,
	SECTION_BODY_LEN = 16, /* without options */
	INTERFACE_BODY_LEN = 8,
	PACKET_BODY_LEN = 20,
	SIMPLE_BODY_LEN = 4,
};

/* What the parsers return, if not an error. */
enum {
	MORE = 0, /* it takes more octets */
	PACKET = 1,
	NOTHING = 2, /* this is done with, and was no packet */
};

/* Octets that are there, and how many of them are done with. */
struct view {
	const uint8_t *p;
	size_t n;
	size_t used;
};

struct option {
	uint16_t code;
	uint16_t len;
	const uint8_t *value;
};

static int
malformed(const struct ep_reader *r, struct epair_err *err, const char *what,
    uint64_t value)
{
	return ep_fail(err, -EINVAL, "at octet %" PRIu64 ": %s (%" PRIu64 ")",
	    r->offset, what, value);
}

static uint32_t
get16(const struct ep_reader *r, const uint8_t *p)
{
	return r->is_big ? (uint32_t)p[0] << 8 | p[1]
			 : (uint32_t)p[1] << 8 | p[0];
}

static uint32_t
get32(const struct ep_reader *r, const uint8_t *p)
{
	return r->is_big ? get16(r, p) << 16 | get16(r, p + 2)
			 : get16(r, p + 2) << 16 | get16(r, p);
}

static uint64_t
get64(const struct ep_reader *r, const uint8_t *p)
{
	uint64_t first = get32(r, p), second = get32(r, p + 4);

	return r->is_big ? first << 32 | second : second << 32 | first;
}

static uint64_t
pow10_of(unsigned exponent)
{
	uint64_t power = 1;

	while (exponent-- > 0)
		power *= 10;
	return power;
}

static uint64_t
to_ns(const struct ep_reader_if *ifc, uint64_t ticks)
{
	__extension__ unsigned __int128 ns = ticks;

	ns = ns * ifc->times / ifc->parts >> ifc->shift;
	return (uint64_t)ns + ifc->offset_s * EP_NS_PER_S;
}

/* What both formats say of a packet, of which data is there. */
static void
fill_packet(const struct ep_reader_if *ifc, const uint8_t *data,
    uint32_t caplen, uint32_t len, struct ep_reader_packet *packet)
{
	if (len < caplen)
		len = caplen;
	len -= len < ifc->fcs_len ? len : ifc->fcs_len;
	*packet = (struct ep_reader_packet){
		.data = data,
		.caplen = caplen < len ? caplen : len,
		.len = len,
		.time_ns = EP_READER_NO_TIME,
		.is_ethernet = ifc->link == EP_PCAPNG_LINK_ETHERNET,
	};
}

/* pcap. */

static int
pcap_header(struct ep_reader *r, struct view *v, struct epair_err *err)
{
	uint32_t link;

	if (v->n < PCAP_HDR_LEN)
		return MORE;
	if (get16(r, v->p + 4) != PCAP_MAJOR)
		return malformed(r, err, "a pcap file of an unknown version",
		    get16(r, v->p + 4));
	link = get32(r, v->p + 20);
	if ((link & LINK_MASK) != EP_PCAPNG_LINK_ETHERNET)
		return malformed(r, err,
		    "packets of a link type that is not Ethernet, 1",
		    link & LINK_MASK);
	r->ifs[0] = (struct ep_reader_if){
		.link = EP_PCAPNG_LINK_ETHERNET,
		.fcs_len =
		    (uint16_t)((link & LINK_HAS_FCS) != 0 ? LINK_FCS(link) : 0),
		.times = get32(r, v->p) == MAGIC_NS ? 1 : EP_NS_PER_US,
		.parts = 1,
	};
	r->if_count = 1;
	r->format = EP_READER_PCAP;
	v->used = PCAP_HDR_LEN;
	return NOTHING;
}

static int
pcap_record(struct ep_reader *r, struct view *v,
    struct ep_reader_packet *packet, struct epair_err *err)
{
	uint32_t caplen;

	if (v->n < PCAP_REC_LEN)
		return MORE;
	caplen = get32(r, v->p + 8);
	if (caplen > EP_READER_BLOCK_MAX - PCAP_REC_LEN)
		return malformed(r, err, "a packet too long to be one", caplen);
	if (v->n < PCAP_REC_LEN + (size_t)caplen)
		return MORE;
	fill_packet(&r->ifs[0], v->p + PCAP_REC_LEN, caplen,
	    get32(r, v->p + 12), packet);
	packet->time_ns = get32(r, v->p) * EP_NS_PER_S +
			  get32(r, v->p + 4) * r->ifs[0].times;
	v->used = PCAP_REC_LEN + (size_t)caplen;
	return PACKET;
}

/* pcapng. A block's body is what is between its lengths. */

/* Step to the option at *p. False at the end, or where it makes no sense. */
static bool
next_option(const struct ep_reader *r, const uint8_t **p, const uint8_t *end,
    struct option *o)
{
	size_t padded;

	if (end - *p < 4)
		return false;
	o->code = (uint16_t)get16(r, *p);
	o->len = (uint16_t)get16(r, *p + 2);
	o->value = *p + 4;
	padded = (o->len + 3u) & ~3u;
	if (o->code == EP_PCAPNG_OPT_END || padded > (size_t)(end - o->value))
		return false;
	*p = o->value + padded;
	return true;
}

static int
section(
    struct ep_reader *r, const uint8_t *body, size_t len, struct epair_err *err)
{
	if (len < SECTION_BODY_LEN)
		return malformed(r, err, "a section header too short", len);
	if (get16(r, body + 4) != PCAPNG_MAJOR)
		return malformed(r, err, "a pcapng section of unknown version",
		    get16(r, body + 4));
	r->if_count = 0;
	return NOTHING;
}

/* if_tsresol: a power of ten, or of two if the highest bit is set. */
static void
set_resolution(struct ep_reader_if *ifc, uint8_t value)
{
	unsigned power = value & 0x7f;

	ifc->times = ifc->parts = 1;
	ifc->shift = 0;
	if ((value & 0x80) != 0) {
		ifc->times = EP_NS_PER_S;
		ifc->shift = power;
	} else if (power <= 9) {
		ifc->times = pow10_of(9 - power);
	} else if (power - 9 <= 19) {
		ifc->parts = pow10_of(power - 9);
	} else {
		ifc->times = 0; /* too fine for 64 bits to make up a ns */
	}
}

static int
interface(
    struct ep_reader *r, const uint8_t *body, size_t len, struct epair_err *err)
{
	const uint8_t *p = body + INTERFACE_BODY_LEN, *end = body + len;
	struct ep_reader_if *ifc;
	struct option o;

	if (len < INTERFACE_BODY_LEN)
		return malformed(r, err, "an interface block too short", len);
	if (r->if_count == EP_READER_IFS_MAX)
		return malformed(r, err, "more interfaces than we can tell",
		    EP_READER_IFS_MAX);
	ifc = &r->ifs[r->if_count++];
	*ifc = (struct ep_reader_if){
		.link = (uint16_t)get16(r, body),
		.snaplen = get32(r, body + 4),
		.times = EP_NS_PER_US,
		.parts = 1,
	};
	while (next_option(r, &p, end, &o)) {
		if (o.code == EP_PCAPNG_IF_TSRESOL && o.len == 1)
			set_resolution(ifc, *o.value);
		else if (o.code == EP_PCAPNG_IF_TSOFFSET && o.len == 8)
			ifc->offset_s = get64(r, o.value);
		else if (o.code == EP_PCAPNG_IF_FCSLEN && o.len == 1)
			ifc->fcs_len = *o.value;
	}
	return NOTHING;
}

static void
packet_options(const struct ep_reader *r, const uint8_t *p, const uint8_t *end,
    struct ep_reader_packet *packet)
{
	static const char dropped[] = EP_PCAPNG_DROPPED;
	const size_t dropped_len = sizeof(dropped) - 1;
	struct option o;

	while (next_option(r, &p, end, &o)) {
		if (o.code == EP_PCAPNG_EPB_FLAGS && o.len == 4)
			packet->dir = get32(r, o.value) & 3;
		else if (o.code == EP_PCAPNG_OPT_COMMENT &&
			 o.len >= dropped_len &&
			 memcmp(o.value, dropped, dropped_len) == 0)
			packet->is_drop = true;
	}
	if (packet->dir > EP_READER_OUT)
		packet->dir = EP_READER_DIR_NONE;
}

/* Enhanced, or of the old sort, which has a shorter interface number. */
static int
full_packet(struct ep_reader *r, uint32_t type, const uint8_t *body, size_t len,
    struct ep_reader_packet *packet, struct epair_err *err)
{
	uint32_t number, caplen;
	size_t padded;

	if (len < PACKET_BODY_LEN)
		return malformed(r, err, "a packet block too short", len);
	number = type == EP_PCAPNG_PACKET ? get32(r, body) : get16(r, body);
	if (number >= r->if_count)
		return malformed(
		    r, err, "a packet of an unknown interface", number);
	caplen = get32(r, body + 12);
	padded = ((size_t)caplen + 3) & ~(size_t)3;
	if (padded > len - PACKET_BODY_LEN)
		return malformed(
		    r, err, "a packet longer than its block", caplen);

	fill_packet(&r->ifs[number], body + PACKET_BODY_LEN, caplen,
	    get32(r, body + 16), packet);
	packet->time_ns = to_ns(&r->ifs[number],
	    (uint64_t)get32(r, body + 4) << 32 | get32(r, body + 8));
	packet_options(r, body + PACKET_BODY_LEN + padded, body + len, packet);
	return PACKET;
}

static int
simple_packet(struct ep_reader *r, const uint8_t *body, size_t len,
    struct ep_reader_packet *packet, struct epair_err *err)
{
	size_t caplen;

	if (len < SIMPLE_BODY_LEN)
		return malformed(r, err, "a packet block too short", len);
	if (r->if_count == 0)
		return malformed(r, err, "a packet of an unknown interface", 0);
	caplen = get32(r, body);
	if (r->ifs[0].snaplen != 0 && caplen > r->ifs[0].snaplen)
		caplen = r->ifs[0].snaplen;
	if (caplen > len - SIMPLE_BODY_LEN)
		return malformed(
		    r, err, "a packet longer than its block", caplen);
	fill_packet(&r->ifs[0], body + SIMPLE_BODY_LEN, (uint32_t)caplen,
	    get32(r, body), packet);
	return PACKET;
}

static int
dispatch(struct ep_reader *r, uint32_t type, const uint8_t *body, size_t len,
    struct ep_reader_packet *packet, struct epair_err *err)
{
	switch (type) {
	case EP_PCAPNG_SECTION:
		return section(r, body, len, err);
	case EP_PCAPNG_INTERFACE:
		return interface(r, body, len, err);
	case EP_PCAPNG_PACKET:
	case EP_PCAPNG_OLD_PACKET:
		return full_packet(r, type, body, len, packet, err);
	default:
		return simple_packet(r, body, len, packet, err);
	}
}

/* Is it a block that we look into? */
static bool
is_known(uint32_t type)
{
	return type == EP_PCAPNG_SECTION || type == EP_PCAPNG_INTERFACE ||
	       type == EP_PCAPNG_PACKET || type == EP_PCAPNG_OLD_PACKET ||
	       type == EP_PCAPNG_SIMPLE_PACKET;
}

/* A section header says by its magic in which order it is written. */
static int
set_order(struct ep_reader *r, const uint8_t *magic, struct epair_err *err)
{
	r->is_big = true;
	if (get32(r, magic) == EP_PCAPNG_MAGIC)
		return 0;
	r->is_big = false;
	if (get32(r, magic) == EP_PCAPNG_MAGIC)
		return 0;
	return malformed(r, err, "a section of no byte order", get32(r, magic));
}

static int
block(struct ep_reader *r, struct view *v, struct ep_reader_packet *packet,
    struct epair_err *err)
{
	uint32_t type, total;
	int error;

	if (v->n < BLOCK_LEN_MIN)
		return MORE;
	type = get32(r, v->p);
	if (type == EP_PCAPNG_SECTION) {
		error = set_order(r, v->p + BLOCK_BODY, err);
		if (error != 0)
			return error;
	}
	total = get32(r, v->p + 4);
	if (total < BLOCK_LEN_MIN || total % 4 != 0)
		return malformed(r, err, "a block of impossible length", total);
	if (!is_known(type)) {
		r->skip = total;
		return NOTHING;
	}
	if (total > EP_READER_BLOCK_MAX)
		return malformed(r, err, "a block too long to be read", total);
	if (v->n < total)
		return MORE;
	if (get32(r, v->p + total - 4) != total)
		return malformed(r, err,
		    "a block of two different lengths, the second being",
		    get32(r, v->p + total - 4));
	v->used = total;
	return dispatch(
	    r, type, v->p + BLOCK_BODY, total - BLOCK_LEN_MIN, packet, err);
}

/* Both. */

static int
start(struct ep_reader *r, struct view *v, struct epair_err *err)
{
	uint32_t magic;

	if (v->n < sizeof(magic))
		return MORE;
	for (int big = 0; big < 2; big++) {
		r->is_big = big != 0;
		magic = get32(r, v->p);
		if (magic == MAGIC_US || magic == MAGIC_NS)
			return pcap_header(r, v, err);
	}
	/* The same in either order. */
	if (magic != EP_PCAPNG_SECTION)
		return malformed(r, err,
		    "neither a pcap nor a pcapng file begins with", magic);
	r->format = EP_READER_PCAPNG;
	return NOTHING;
}

static int
next(struct ep_reader *r, struct view *v, struct ep_reader_packet *packet,
    struct epair_err *err)
{
	switch (r->format) {
	case EP_READER_START:
		return start(r, v, err);
	case EP_READER_PCAP:
		return pcap_record(r, v, packet, err);
	default:
		return block(r, v, packet, err);
	}
}

int
ep_reader_next(struct ep_reader *r, const uint8_t *octets, size_t n,
    size_t *used, struct ep_reader_packet *packet, struct epair_err *err)
{
	int got = NOTHING;

	*used = 0;
	while (got == NOTHING) {
		struct view v = { .p = octets + *used, .n = n - *used };

		if (r->skip > 0) {
			v.used = r->skip < v.n ? (size_t)r->skip : v.n;
			r->skip -= v.used;
			if (r->skip > 0)
				got = MORE;
		} else {
			got = next(r, &v, packet, err);
		}
		if (got < 0)
			return got;
		*used += v.used;
		r->offset += v.used;
	}
	return got;
}

int
ep_reader_end(const struct ep_reader *r, size_t rest, struct epair_err *err)
{
	if (r->format == EP_READER_START)
		return malformed(
		    r, err, "the end, before there is a header; octets", rest);
	if (rest > 0 || r->skip > 0)
		return malformed(
		    r, err, "the end, in the middle of a block; octets", rest);
	return 0;
}
