/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * capture/capture.h - struct epair_capture: who watches, and what he keeps.
 *
 * The calls of <epair/capture.h> but for open and close, which api/ wraps to
 * hold a reference to the interface: a capture borrows it from open to close.
 *
 * A capture has a watcher (net/watch.h) on each end that it watches. `show`
 * runs wherever frames pass - in transmitters and in workers, several at once -
 * and does, in this order, as little as it can: direction, filter (on the frame
 * where it is), room in the ring, copy. One reader at a time calls next and
 * dump; those fields are his.
 *
 *	state    meaning                               left by
 *	open     frames of a watched end are shown     close; for one end, its
 *	                                               move or destruction
 *	ended    nothing more is shown; what the       close
 *	         ring holds can be read
 *
 * Invariants:
 *	C1  seen = filtered out + passed, passed = records of the ring + lost,
 *	    for each end
 *	C2  a frame is neither changed nor kept: only copied
 *	C3  in a SIM instance the octets written depend on nothing but what the
 *	    instance did
 */
#ifndef EP_CAPTURE_CAPTURE_H
#define EP_CAPTURE_CAPTURE_H

#include <epair/capture.h>
#include <epair/if.h>

#include "capture/ring.h"
#include "capture/section.h"
#include "mbuf/filter.h"
#include "net/watch.h"

#define EP_CAPTURE_SNAPLEN 262144u
#define EP_CAPTURE_BUFFER  (4u << 20)

struct ep_capture_end {
	struct ep_watcher watcher; /* if is_watched */
	struct epair_capture *cap;
	struct epair_if *ifp;
	bool is_watched;
	struct ep_section_if who; /* as it was when the capture was opened */

	uint64_t seen, passed, lost; /* atomic */
	uint64_t read; /* atomic; written by the reader */
};

struct epair_capture {
	struct epair *ep;
	struct epair_if *ifp; /* the one it was opened on */
	struct ep_capture_end ends[2]; /* sides 'a', 'b' */
	uint32_t directions; /* EPAIR_CAPTURE_IN, _OUT, or both */
	uint32_t snaplen;
	struct ep_filter filter;
	struct ep_capring ring;
	uint64_t opened_ns;

	/* The reader's, for dump.c. */
	bool in_section; /* its header and interfaces are written */
	uint8_t *stage; /* blocks to be written */
	size_t stage_size, stage_len;
	uint64_t staged[2]; /* records of each end among them */
	uint64_t written[2]; /* records of each end in this section */
};

/* epair_capture_open(), epair_capture_close(), without a reference to ifp. */
int ep_capture_open(struct epair_if *ifp, const struct epair_capture_opts *how,
    struct epair_capture **capp, struct epair_err *err);
void ep_capture_close(struct epair_capture *cap);

#endif /* EP_CAPTURE_CAPTURE_H */
