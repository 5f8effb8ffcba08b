/* SPDX-License-Identifier: BSD-2-Clause */
#include "capture/pcapng.h"

#include <string.h>

/* A block being laid down: counts on when there is no room. */
struct block {
	uint8_t *buf;
	size_t room;
	size_t len;
};

static void
put_octets(struct block *b, const void *octets, size_t n)
{
	if (n > 0 && b->len <= b->room && n <= b->room - b->len)
		memcpy(b->buf + b->len, octets, n);
	b->len += n;
}

static void
put16(struct block *b, uint32_t v)
{
	const uint8_t le[2] = { (uint8_t)v, (uint8_t)(v >> 8) };

	put_octets(b, le, sizeof(le));
}

static void
put32(struct block *b, uint32_t v)
{
	put16(b, v & UINT16_MAX);
	put16(b, v >> 16);
}

static void
put64(struct block *b, uint64_t v)
{
	put32(b, (uint32_t)v);
	put32(b, (uint32_t)(v >> 32));
}

/* Times are two halves, the high one first. */
static void
put_time(struct block *b, uint64_t ns)
{
	put32(b, (uint32_t)(ns >> 32));
	put32(b, (uint32_t)ns);
}

static void
put_padded(struct block *b, const void *octets, size_t n)
{
	static const uint8_t zeros[4];

	put_octets(b, octets, n);
	put_octets(b, zeros, -n % 4);
}

static void
put_option(struct block *b, uint32_t code, const void *octets, size_t n)
{
	put16(b, code);
	put16(b, (uint32_t)n);
	put_padded(b, octets, n);
}

static void
put_option32(struct block *b, uint32_t code, uint32_t v)
{
	put16(b, code);
	put16(b, sizeof(v));
	put32(b, v);
}

static void
put_option64(struct block *b, uint32_t code, uint64_t v)
{
	put16(b, code);
	put16(b, sizeof(v));
	put64(b, v);
}

static void
put_option_time(struct block *b, uint32_t code, uint64_t ns)
{
	put16(b, code);
	put16(b, sizeof(ns));
	put_time(b, ns);
}

/* As far as we give it room. */
static size_t
text_len(const char *text)
{
	size_t n = strlen(text);

	return n < EP_PCAPNG_TEXT_MAX ? n : EP_PCAPNG_TEXT_MAX;
}

static void
put_option_text(struct block *b, uint32_t code, const char *text)
{
	if (text != NULL && *text != '\0')
		put_option(b, code, text, text_len(text));
}

/* The text is behind an octet that says that it is text. */
static void
put_filter(struct block *b, const char *text)
{
	uint8_t value[1 + EP_PCAPNG_TEXT_MAX] = { 0 };
	size_t n;

	if (text == NULL || *text == '\0')
		return;
	n = text_len(text);
	memcpy(value + 1, text, n);
	put_option(b, EP_PCAPNG_IF_FILTER, value, 1 + n);
}

static struct block
begin(uint8_t *buf, size_t room, uint32_t type)
{
	struct block b = { .room = room };

	b.buf = buf;
	put32(&b, type);
	put32(&b, 0); /* the size; end() knows it */
	return b;
}

static size_t
end(struct block *b)
{
	struct block size = { .buf = b->buf, .room = b->room, .len = 4 };
	uint32_t total;

	put32(b, EP_PCAPNG_OPT_END);
	total = (uint32_t)b->len + 4;
	put32(b, total);
	put32(&size, total);
	return b->len;
}

size_t
ep_pcapng_section(
    uint8_t *buf, size_t room, const struct ep_pcapng_section *section)
{
	struct block b = begin(buf, room, EP_PCAPNG_SECTION);

	put32(&b, EP_PCAPNG_MAGIC);
	put16(&b, 1); /* version 1.0 */
	put16(&b, 0);
	put64(&b, UINT64_MAX); /* its length is not known yet */
	put_option_text(&b, EP_PCAPNG_SHB_OS, section->os);
	put_option_text(&b, EP_PCAPNG_SHB_USERAPPL, section->userappl);
	return end(&b);
}

size_t
ep_pcapng_interface(
    uint8_t *buf, size_t room, const struct ep_pcapng_interface *interface)
{
	struct block b = begin(buf, room, EP_PCAPNG_INTERFACE);
	const uint8_t nanoseconds = 9; /* 10^-9 s */

	put16(&b, EP_PCAPNG_LINK_ETHERNET);
	put16(&b, 0);
	put32(&b, interface->snaplen);
	put_option_text(&b, EP_PCAPNG_IF_NAME, interface->name);
	put_option_text(&b, EP_PCAPNG_IF_DESCRIPTION, interface->description);
	put_option(&b, EP_PCAPNG_IF_MAC, interface->mac, 6);
	if (interface->speed != 0)
		put_option64(&b, EP_PCAPNG_IF_SPEED, interface->speed);
	put_option(&b, EP_PCAPNG_IF_TSRESOL, &nanoseconds, 1);
	put_filter(&b, interface->filter);
	return end(&b);
}

size_t
ep_pcapng_packet(
    uint8_t *buf, size_t room, const struct ep_pcapng_packet *packet)
{
	struct block b = begin(buf, room, EP_PCAPNG_PACKET);

	put32(&b, packet->interface);
	put_time(&b, packet->time_ns);
	put32(&b, packet->caplen);
	put32(&b, packet->len);
	put_padded(&b, packet->data, packet->caplen);
	if (packet->flags != 0)
		put_option32(&b, EP_PCAPNG_EPB_FLAGS, packet->flags);
	if (packet->lost != 0)
		put_option64(&b, EP_PCAPNG_EPB_DROPCOUNT, packet->lost);
	if (packet->has_id)
		put_option64(&b, EP_PCAPNG_EPB_PACKETID, packet->id);
	if (packet->has_queue)
		put_option32(&b, EP_PCAPNG_EPB_QUEUE, packet->queue);
	put_option_text(&b, EP_PCAPNG_OPT_COMMENT, packet->comment);
	return end(&b);
}

size_t
ep_pcapng_statistics(
    uint8_t *buf, size_t room, const struct ep_pcapng_statistics *stats)
{
	struct block b = begin(buf, room, EP_PCAPNG_STATISTICS);

	put32(&b, stats->interface);
	put_time(&b, stats->end_ns);
	put_option_time(&b, EP_PCAPNG_ISB_STARTTIME, stats->start_ns);
	put_option_time(&b, EP_PCAPNG_ISB_ENDTIME, stats->end_ns);
	put_option64(&b, EP_PCAPNG_ISB_IFRECV, stats->seen);
	put_option64(&b, EP_PCAPNG_ISB_FILTERACCEPT, stats->passed);
	put_option64(&b, EP_PCAPNG_ISB_OSDROP, stats->lost);
	put_option64(&b, EP_PCAPNG_ISB_USRDELIV, stats->written);
	return end(&b);
}
