/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * capture/pcapng.h - blocks of a pcapng file (draft-tuexen-opsawg-pcapng).
 *
 * Pure: from structs to octets, always little-endian, so that the same input
 * gives the same file on every machine. A section is one section header, then
 * an interface block for each interface, numbered from 0 in that order, then
 * packets in any order, then at most one statistics block for each interface.
 *
 * Each call lays one block down in buf, if it fits in `room` octets, and
 * returns the block's size whether it did or not; what buf holds is undefined
 * if it did not. Strings may be NULL, and are cut off at EP_PCAPNG_TEXT_MAX
 * octets.
 */
#ifndef EP_CAPTURE_PCAPNG_H
#define EP_CAPTURE_PCAPNG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define EP_PCAPNG_TEXT_MAX 4096u

/* No block takes more, the octets of a packet apart. */
#define EP_PCAPNG_OVERHEAD 16384u

enum ep_pcapng_type {
	EP_PCAPNG_INTERFACE = 1,
	EP_PCAPNG_OLD_PACKET = 2,
	EP_PCAPNG_SIMPLE_PACKET = 3,
	EP_PCAPNG_STATISTICS = 5,
	EP_PCAPNG_PACKET = 6,
	EP_PCAPNG_SECTION = 0x0a0d0d0a,
};

#define EP_PCAPNG_MAGIC         0x1a2b3c4du
#define EP_PCAPNG_LINK_ETHERNET 1u

/* Options that we write or read. */
enum ep_pcapng_option {
	EP_PCAPNG_OPT_END = 0,
	EP_PCAPNG_OPT_COMMENT = 1,
	EP_PCAPNG_SHB_OS = 3,
	EP_PCAPNG_SHB_USERAPPL = 4,
	EP_PCAPNG_IF_NAME = 2,
	EP_PCAPNG_IF_DESCRIPTION = 3,
	EP_PCAPNG_IF_MAC = 6,
	EP_PCAPNG_IF_SPEED = 8,
	EP_PCAPNG_IF_TSRESOL = 9,
	EP_PCAPNG_IF_FILTER = 11,
	EP_PCAPNG_IF_FCSLEN = 13,
	EP_PCAPNG_IF_TSOFFSET = 14,
	EP_PCAPNG_EPB_FLAGS = 2,
	EP_PCAPNG_EPB_DROPCOUNT = 4,
	EP_PCAPNG_EPB_PACKETID = 5,
	EP_PCAPNG_EPB_QUEUE = 6,
	EP_PCAPNG_ISB_STARTTIME = 2,
	EP_PCAPNG_ISB_ENDTIME = 3,
	EP_PCAPNG_ISB_IFRECV = 4,
	EP_PCAPNG_ISB_FILTERACCEPT = 6,
	EP_PCAPNG_ISB_OSDROP = 7,
	EP_PCAPNG_ISB_USRDELIV = 8,
};

struct ep_pcapng_section {
	const char *os;
	const char *userappl;
};

size_t ep_pcapng_section(
    uint8_t *buf, size_t room, const struct ep_pcapng_section *section);

/* Ethernet, times in nanoseconds. */
struct ep_pcapng_interface {
	const char *name;
	const char *description;
	const char *filter; /* pcap-filter(7) */
	uint8_t mac[6];
	uint64_t speed; /* bits per second; 0: not said */
	uint32_t snaplen; /* 0: no limit */
};

size_t ep_pcapng_interface(
    uint8_t *buf, size_t room, const struct ep_pcapng_interface *interface);

/* epb_flags: the direction, and to whom it was sent. */
enum {
	EP_PCAPNG_INBOUND = 1u << 0,
	EP_PCAPNG_OUTBOUND = 2u << 0,
	EP_PCAPNG_UNICAST = 1u << 2,
	EP_PCAPNG_MULTICAST = 2u << 2,
	EP_PCAPNG_BROADCAST = 3u << 2,
};

struct ep_pcapng_packet {
	uint32_t interface; /* number in the section */
	uint32_t caplen; /* octets at data */
	uint32_t len; /* octets of the frame */
	uint32_t flags; /* EP_PCAPNG_INBOUND ...; 0: not said */
	const uint8_t *data;
	uint64_t time_ns;
	uint64_t lost; /* before this one; 0: not said */
	bool has_id, has_queue;
	uint32_t queue;
	uint64_t id;
	const char *comment;
};

/* How the comment on a frame begins that was dropped after it was shown. */
#define EP_PCAPNG_DROPPED "dropped ("

size_t ep_pcapng_packet(
    uint8_t *buf, size_t room, const struct ep_pcapng_packet *packet);

struct ep_pcapng_statistics {
	uint32_t interface;
	uint64_t start_ns, end_ns; /* of the capture */
	uint64_t seen; /* frames that it was shown */
	uint64_t passed; /* that the filter passed */
	uint64_t lost; /* of these, for want of room */
	uint64_t written; /* to this section's reader */
};

size_t ep_pcapng_statistics(
    uint8_t *buf, size_t room, const struct ep_pcapng_statistics *stats);

#endif /* EP_CAPTURE_PCAPNG_H */
