/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * epair/epair.h - a virtual cross-over Ethernet cable between two stacks.
 *
 * This header includes all the others but test.h. Read them in this order; each
 * is the manual of its group of calls:
 *
 *	err.h       how a call says what was wrong
 *	instance.h  struct epair: an instance, its workers, its clock
 *	mbuf.h      struct epair_mbuf: a frame and who owns it
 *	vnet.h      virtual network stack instances: spaces of names
 *	if.h        struct epair_if: one end of a pair, and the pair's life
 *	drop.h      every reason for which a frame may be dropped
 *	attach.h    what stands behind an end and plays its stack
 *	event.h     link, create, move, rename, destroy, attach, detach
 *	link.h      what the cable does to frames: delay, loss, rate, ...
 *	qdisc.h     disciplines, and what they have done
 *	histogram.h in what bursts frames came, and how long they had waited
 *	state.h     making again what was there, in another process
 *	scenario.h  changes to a pair, each at its time
 *	capture.h   showing frames to a reader, and writing pcapng
 *
 * Conventions that hold everywhere:
 *
 * - A call that can fail returns 0 (or a count) or a negated errno. errno
 *   itself is never part of the API. Where a call takes a struct epair_err
 *   it may be NULL; if not, it is filled on failure only.
 * - A call that fails changes nothing.
 * - Every call may be made from any thread at any time, callbacks included,
 *   unless its comment says otherwise.
 * - Times are nanoseconds of the instance's clock; lengths are octets, of
 *   frames without their FCS; rates are bits per second.
 * - Structures that may grow begin with a `size` that the caller sets to
 *   sizeof. What a shorter size does not cover has its default.
 */
#ifndef EPAIR_EPAIR_H
#define EPAIR_EPAIR_H

#include <epair/attach.h>
#include <epair/capture.h>
#include <epair/drop.h>
#include <epair/err.h>
#include <epair/event.h>
#include <epair/histogram.h>
#include <epair/if.h>
#include <epair/instance.h>
#include <epair/link.h>
#include <epair/mbuf.h>
#include <epair/qdisc.h>
#include <epair/scenario.h>
#include <epair/state.h>
#include <epair/vnet.h>

#endif /* EPAIR_EPAIR_H */
