/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * attach/pcap/pace.h - when the next frame of a replay is due.
 *
 *	recorded   as far behind the frame before as its recorded time is;
 *	           at once where times go back or are not said
 *	full       as fast as the other end takes them
 *	1000, 10k  so many frames a second
 *	1ms        so far apart
 *
 * What is late is made up for; when it is more than EP_PACE_LAG_NS late (the
 * interface was not UP, the worker was held up) it goes on from now instead.
 */
#ifndef EP_ATTACH_PCAP_PACE_H
#define EP_ATTACH_PCAP_PACE_H

#include <stdbool.h>
#include <stdint.h>

#include <epair/err.h>

#include "attach/pcap/reader.h"
#include "base/clock.h"

#define EP_PACE_LAG_NS (100 * EP_NS_PER_MS)

enum ep_pace_kind {
	EP_PACE_RECORDED = 0,
	EP_PACE_FULL,
	EP_PACE_RATE,
	EP_PACE_GAP,
};

struct ep_pace {
	enum ep_pace_kind kind;
	uint64_t rate; /* RATE: frames a second, 1 to EP_PACE_RATE_MAX */
	uint64_t gap_ns; /* GAP */
	/* Of the frame before: */
	bool has_due, has_time;
	uint64_t due_ns; /* when it was due */
	uint64_t time_ns; /* its recorded time */
	uint64_t carry; /* RATE: 1/rate ns that its due time fell short of */
};

#define EP_PACE_RATE_MAX UINT64_C(1000000000)

/*
 * Read a pace as written; NULL is "recorded". Returns 0, or -EINVAL with a
 * sentence.
 */
int ep_pace_init(struct ep_pace *pace, const char *text, struct epair_err *err);

/* When the frame of this recorded time is due, it being `now`. */
uint64_t ep_pace_due(
    const struct ep_pace *pace, uint64_t time_ns, uint64_t now);

/* It was sent, as due_ns said. */
void ep_pace_sent(struct ep_pace *pace, uint64_t time_ns, uint64_t due_ns);

/* The file begins again: its first frame follows the last one at once. */
void ep_pace_rewind(struct ep_pace *pace);

#endif /* EP_ATTACH_PCAP_PACE_H */
