/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * attach/pcap/reader.h - packets out of the octets of a capture file: pcap
 * (microseconds, nanoseconds) and pcapng, of either byte order.
 *
 * Pure, and safe on hostile files: it reads nothing but the octets it is
 * shown, in order, and keeps a few numbers. It holds no packet back: what it
 * gives points into those octets.
 *
 *	state   meaning                            left by
 *	START   nothing seen                       the magic number
 *	PCAP    behind a pcap header               -
 *	PCAPNG  behind the header of a section     a section of the other order
 *
 * What is not a packet - name resolution, secrets, statistics - is passed
 * over. Options of packets are looked at for the direction, and for the
 * comment by which an epair capture marks frames that were dropped.
 *
 * Limits: EP_READER_BLOCK_MAX octets of a header or a packet with all that is
 * said of it, and EP_READER_IFS_MAX interfaces of a section; more is an error.
 */
#ifndef EP_ATTACH_PCAP_READER_H
#define EP_ATTACH_PCAP_READER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <epair/err.h>

#define EP_READER_BLOCK_MAX (512u << 10)
#define EP_READER_IFS_MAX   256u

enum ep_reader_format {
	EP_READER_START = 0,
	EP_READER_PCAP,
	EP_READER_PCAPNG,
};

struct ep_reader_if {
	uint16_t link; /* 1: Ethernet */
	uint16_t fcs_len; /* octets at the end of a frame that are none of it */
	uint32_t snaplen; /* 0: no limit */
	/* ns = ticks * times / parts >> shift, + offset_s */
	uint64_t times, parts;
	unsigned shift;
	uint64_t offset_s; /* two's complement */
};

/* All zero is START. May be copied, to look ahead. */
struct ep_reader {
	enum ep_reader_format format;
	bool is_big; /* numbers are big-endian */
	uint64_t offset; /* of the next octet in the file */
	uint64_t skip; /* octets to be passed over from there */
	unsigned if_count;
	struct ep_reader_if ifs[EP_READER_IFS_MAX]; /* PCAP: the one */
};

#define EP_READER_NO_TIME UINT64_MAX

enum ep_reader_dir {
	EP_READER_DIR_NONE = 0, /* not said */
	EP_READER_IN,
	EP_READER_OUT,
};

struct ep_reader_packet {
	const uint8_t *data;
	uint32_t caplen; /* octets at data */
	uint32_t len; /* octets of the frame */
	uint64_t time_ns; /* since 1970, or EP_READER_NO_TIME */
	enum ep_reader_dir dir;
	bool is_ethernet;
	bool is_drop; /* an epair capture's second record of a frame */
};

/*
 * Read on in the n octets that follow what was used before. *used says how
 * many of them are done with; the caller shows the rest again, with more
 * behind. Borrows them; packet->data points into them.
 *
 * Returns 1 with a packet; 0 when it needs more octets, which always come by
 * EP_READER_BLOCK_MAX; -EINVAL for a file that is malformed or of a sort that
 * we do not read, with a sentence that says where.
 */
int ep_reader_next(struct ep_reader *r, const uint8_t *octets, size_t n,
    size_t *used, struct ep_reader_packet *packet, struct epair_err *err);

/*
 * The file ended with `rest` octets that were not used. Returns 0, or -EINVAL
 * with a sentence if it was cut off.
 */
int ep_reader_end(
    const struct ep_reader *r, size_t rest, struct epair_err *err);

#endif /* EP_ATTACH_PCAP_READER_H */
