/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * attach/qemu/framing.h - frames out of a stream of octets.
 *
 * On a stream each frame is a length, 32 bits, big-endian, and that many
 * octets. The kernel cuts the stream where it likes: one read may end within
 * a length, or bring a hundred frames. Nothing here knows sockets or mbufs:
 *
 *	room = ep_framing_room(f, &at);
 *	n = recv(fd, at, room, ...);
 *	ep_framing_filled(f, n);
 *	while (ep_framing_next(f, &frame, &len) ...)
 *
 * Invariants:
 *	F1  start <= end <= EP_FRAMING_SIZE
 *	F2  when next has said MORE, room is at least 1: what is left is less
 *	    than one frame, and the largest frame fits
 *	F3  what a stream gives does not depend on where it was cut
 */
#ifndef EP_ATTACH_QEMU_FRAMING_H
#define EP_ATTACH_QEMU_FRAMING_H

#include <stddef.h>
#include <stdint.h>

#define EP_FRAMING_HEAD 4u

/* What is a frame: QEMU closes on longer ones and stops at empty ones. */
#define EP_FRAMING_MIN 14u
#define EP_FRAMING_MAX 69632u

/* Twice the largest: seldom is a piece moved, and then it is a short one. */
#define EP_FRAMING_SIZE ((size_t)2 * (EP_FRAMING_HEAD + EP_FRAMING_MAX))

struct ep_framing {
	uint8_t *buf; /* EP_FRAMING_SIZE octets, the owner's */
	size_t start, end; /* what was filled and not yet given */
};

enum ep_framed {
	EP_FRAMED_MORE, /* what is there is no whole frame */
	EP_FRAMED_ONE, /* a frame */
	EP_FRAMED_SHORT, /* one shorter than EP_FRAMING_MIN: skipped */
	EP_FRAMED_LONG, /* the next is longer than may be: the stream ends */
};

/* Begin anew, on a buffer of EP_FRAMING_SIZE octets that stays the caller's. */
void ep_framing_init(struct ep_framing *f, uint8_t *buf);

/*
 * Where to put what comes next, and for how much there is room. Frames that
 * were given before are no longer valid.
 */
size_t ep_framing_room(struct ep_framing *f, uint8_t **at);

/* n octets were put there. */
void ep_framing_filled(struct ep_framing *f, size_t n);

/*
 * The next frame: ONE gives where it lies in the buffer and its length. LONG
 * gives the length, and is all that will ever be said again.
 */
enum ep_framed ep_framing_next(
    struct ep_framing *f, const uint8_t **frame, uint32_t *len);

/* The length that goes in front of a frame of len octets. */
uint32_t ep_framing_head(uint32_t len);

#endif /* EP_ATTACH_QEMU_FRAMING_H */
