/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * epair/capture.h - showing frames of an interface to a reader.
 *
 * A capture watches one end or both, keeps what its filter passes in a bounded
 * ring of its own, and is read at the reader's pace: record by record, or as
 * pcapng into a descriptor. It never changes, delays or loses a frame; a slow
 * reader loses captures, and they are counted.
 *
 * A frame is shown on the sending interface before the other end is looked at
 * (contract 3.5), as outbound, and on the receiving one at delivery (contract
 * 5), as inbound, under the same packet id. A frame that is dropped after it
 * was shown is shown once more, as a record with its reason. A frame with
 * offload left open is shown unsegmented, with its checksum completed on the
 * copy.
 */
#ifndef EPAIR_CAPTURE_H
#define EPAIR_CAPTURE_H

#include <stddef.h>
#include <stdint.h>

#include <epair/drop.h>
#include <epair/err.h>

#ifdef __cplusplus
extern "C" {
#endif

struct epair_capture;
struct epair_if;

enum {
	EPAIR_CAPTURE_BOTH = 1u << 0, /* the other end too */
	EPAIR_CAPTURE_IN = 1u << 1, /* only what the interface receives */
	EPAIR_CAPTURE_OUT = 1u << 2, /* only what it sends; neither: both */
};

/* All zero but size is the default. */
struct epair_capture_opts {
	size_t size; /* sizeof(struct epair_capture_opts) */
	uint32_t flags; /* EPAIR_CAPTURE_* */
	const char *filter; /* pcap-filter(7); NULL or "" passes all */
	uint32_t snaplen; /* octets kept of a frame; 0 is 262144 */
	size_t buffer; /* octets of the ring; 0 is 4 MiB */
};

/*
 * Begin to capture. Gives *cap, to be ended by epair_capture_close().
 * Moving or destroying an interface ends the capture on it; what the ring
 * holds can still be read.
 *
 * Returns 0; -EINVAL with libpcap's words for a filter that does not compile,
 * and for unknown flags or a buffer above 1 GiB; -ENXIO if destroyed; -ENOMEM;
 * -EMFILE.
 */
EPAIR_API int epair_capture_open(struct epair_if *ifp,
    const struct epair_capture_opts *opts, struct epair_capture **cap,
    struct epair_err *err);

/* End and free it. NULL is ignored. */
EPAIR_API void epair_capture_close(struct epair_capture *cap);

/* One record. data is the capture's, valid until the next call on it. */
struct epair_record {
	const uint8_t *data;
	uint32_t caplen; /* octets in data */
	uint32_t len; /* octets of the frame */
	uint64_t time_ns;
	uint64_t pktid; /* same on both ends and on a drop */
	uint64_t lost; /* captures lost between the record before and this */
	char side; /* 'a' or 'b' */
	char outbound; /* 1: sent by that side, 0: received */
	int drop; /* enum epair_drop, or -1: not dropped */
	uint32_t queue; /* bucket, inbound */
	uint32_t flags; /* EPAIR_M_BCAST, EPAIR_M_MCAST */
};

/* Take the next record. Returns 1, or 0 if none waits. One reader at a time. */
EPAIR_API int epair_capture_next(
    struct epair_capture *cap, struct epair_record *rec);

/* A descriptor that polls readable while records wait; the capture's own. */
EPAIR_API int epair_capture_fd(struct epair_capture *cap);

/*
 * Write what waits to fd as pcapng: on the first call of a capture a section
 * header and one interface block for each end (name, MAC, speed, nanosecond
 * times; description and filter where there are), then a packet block for each
 * record with direction, packet id, queue, lost count, and the reason of a
 * drop as a comment. In a SIM instance nothing of the machine's is written.
 *
 * `last` adds an interface statistics block for each end. fd may be a pipe or
 * socket; the call blocks if fd does.
 *
 * Returns how many records it wrote, or the negated errno of the write: what
 * was taken from the ring then is lost and counted, and a later call on
 * another descriptor begins a new section.
 */
EPAIR_API int epair_capture_dump(struct epair_capture *cap, int fd, int last);

struct epair_capture_stats {
	size_t size; /* sizeof(struct epair_capture_stats) */
	uint64_t seen; /* frames shown to it */
	uint64_t passed; /* that the filter passed */
	uint64_t lost; /* of these, for want of room */
	uint64_t read; /* taken by the reader */
};

EPAIR_API int epair_capture_get_stats(
    struct epair_capture *cap, struct epair_capture_stats *stats);

/*
 * Check a filter without capturing. Returns 0, or -EINVAL with libpcap's
 * words.
 */
EPAIR_API int epair_filter_check(const char *filter, struct epair_err *err);

#ifdef __cplusplus
}
#endif

#endif /* EPAIR_CAPTURE_H */
