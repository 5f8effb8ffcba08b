/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * capfile.h - capture files for tests, of either byte order, made octet by
 * octet: nothing here is shared with the code under test.
 */
#ifndef CAPFILE_H
#define CAPFILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CAPFILE_MAX (8u << 20)

struct capfile {
	bool is_big;
	size_t len;
	uint8_t octets[CAPFILE_MAX];
};

/* Empty, of that order. */
void capfile_init(struct capfile *f, bool is_big);

void put16(struct capfile *f, uint32_t v);
void put32(struct capfile *f, uint32_t v);
void put64(struct capfile *f, uint64_t v);
void put_octets(struct capfile *f, const void *octets, size_t n);

/* pcap: the header, and a packet of caplen octets that are all `fill`. */
void pcap_header(struct capfile *f, uint32_t magic, uint32_t link);
void pcap_packet(struct capfile *f, uint32_t sec, uint32_t frac,
    uint32_t caplen, uint32_t len, uint8_t fill);

/* pcapng: begin a block; end it, which pads it and sets both lengths. */
size_t block_begin(struct capfile *f, uint32_t type);
void block_end(struct capfile *f, size_t begun);
void option(struct capfile *f, uint16_t code, const void *value, uint16_t len);

/* pcapng: a section header; an interface with options of n octets, or none. */
void section_header(struct capfile *f);
void interface_block(struct capfile *f, uint16_t link);
/* An interface whose option `code` is one octet. */
void interface_with(struct capfile *f, uint16_t code, uint8_t value);
/* An enhanced packet block, of octets that are all `fill`. */
void packet_block(struct capfile *f, uint32_t interface, uint64_t ticks,
    uint32_t caplen, uint32_t len, uint8_t fill);

#endif /* CAPFILE_H */
