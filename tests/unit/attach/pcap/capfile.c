/* SPDX-License-Identifier: BSD-2-Clause */
#include "capfile.h"

#include <string.h>

void
capfile_init(struct capfile *f, bool is_big)
{
	f->is_big = is_big;
	f->len = 0;
}

void
put_octets(struct capfile *f, const void *octets, size_t n)
{
	if (n > 0)
		memcpy(f->octets + f->len, octets, n);
	f->len += n;
}

static void
put_number(struct capfile *f, uint64_t v, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		f->octets[f->len++] =
		    (uint8_t)(v >> 8 * (f->is_big ? n - 1 - i : i));
}

void
put16(struct capfile *f, uint32_t v)
{
	put_number(f, v, 2);
}

void
put32(struct capfile *f, uint32_t v)
{
	put_number(f, v, 4);
}

void
put64(struct capfile *f, uint64_t v)
{
	put_number(f, v, 8);
}

static void
put_fill(struct capfile *f, uint8_t fill, size_t n)
{
	memset(f->octets + f->len, fill, n);
	f->len += n;
}

void
pcap_header(struct capfile *f, uint32_t magic, uint32_t link)
{
	put32(f, magic);
	put16(f, 2);
	put16(f, 4);
	put32(f, 0);
	put32(f, 0);
	put32(f, 65535);
	put32(f, link);
}

void
pcap_packet(struct capfile *f, uint32_t sec, uint32_t frac, uint32_t caplen,
    uint32_t len, uint8_t fill)
{
	put32(f, sec);
	put32(f, frac);
	put32(f, caplen);
	put32(f, len);
	put_fill(f, fill, caplen);
}

size_t
block_begin(struct capfile *f, uint32_t type)
{
	size_t begun = f->len;

	put32(f, type);
	put32(f, 0);
	return begun;
}

void
block_end(struct capfile *f, size_t begun)
{
	size_t end;

	while ((f->len - begun) % 4 != 0)
		put_fill(f, 0, 1);
	put32(f, (uint32_t)(f->len + 4 - begun));
	end = f->len;
	f->len = begun + 4;
	put32(f, (uint32_t)(end - begun));
	f->len = end;
}

void
option(struct capfile *f, uint16_t code, const void *value, uint16_t len)
{
	put16(f, code);
	put16(f, len);
	put_octets(f, value, len);
	while (f->len % 4 != 0)
		put_fill(f, 0, 1);
}

void
section_header(struct capfile *f)
{
	size_t begun = block_begin(f, 0x0a0d0d0a);

	put32(f, 0x1a2b3c4d);
	put16(f, 1);
	put16(f, 0);
	put64(f, UINT64_MAX);
	block_end(f, begun);
}

void
interface_block(struct capfile *f, uint16_t link)
{
	size_t begun = block_begin(f, 1);

	put16(f, link);
	put16(f, 0);
	put32(f, 0);
	block_end(f, begun);
}

void
interface_with(struct capfile *f, uint16_t code, uint8_t value)
{
	size_t begun = block_begin(f, 1);

	put16(f, 1);
	put16(f, 0);
	put32(f, 0);
	option(f, code, &value, 1);
	option(f, 0, NULL, 0);
	block_end(f, begun);
}

void
packet_block(struct capfile *f, uint32_t interface, uint64_t ticks,
    uint32_t caplen, uint32_t len, uint8_t fill)
{
	size_t begun = block_begin(f, 6);

	put32(f, interface);
	put32(f, (uint32_t)(ticks >> 32));
	put32(f, (uint32_t)ticks);
	put32(f, caplen);
	put32(f, len);
	put_fill(f, fill, caplen);
	block_end(f, begun);
}
