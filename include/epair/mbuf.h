/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * epair/mbuf.h - a frame, and who owns it.
 *
 * A frame is a chain of one or more mbufs. Whoever holds the pointer to the
 * first owns the whole chain: it may read and change it, must free it or pass
 * it on, and passing it on (transmit, a receive callback) ends the ownership
 * whatever the outcome. An mbuf is never shared between two owners; the buffer
 * behind a foreign mbuf may be.
 *
 * Invariants of a frame that is handed to the library:
 *	M1  pktlen of the first mbuf is the sum of len over the chain
 *	M2  data .. data+len lies in the mbuf's buffer
 *	M3  metadata is valid only where its flag says so
 * The library trusts M1 and M2 from the program that links it and checks
 * everything that came from elsewhere.
 *
 * Pools: an instance has one pool, with a limit of its own. Each thread keeps
 * magazines of free mbufs which it swaps whole with the pool, since frames are
 * nearly always freed on another thread than they were taken on.
 *
 * Charging: when a frame enters a pair it is charged to that pair and to the
 * vnet in which the pair was made, until it is freed or enters another pair.
 * A pair or vnet at its limit takes no more frames (EPAIR_DROP_LIMIT), so that
 * a stalled or flooded cable starves no other.
 */
#ifndef EPAIR_MBUF_H
#define EPAIR_MBUF_H

#include <stdbool.h>
#include <stdint.h>

#include <epair/err.h>

#ifdef __cplusplus
extern "C" {
#endif

struct epair;
struct epair_mbuf;
struct ep_account;
struct ep_ext;
struct ep_pool;
struct ep_tag;

/* Flags of a frame; in its first mbuf. */
enum {
	EPAIR_M_BCAST = 1u << 0, /* link-level broadcast */
	EPAIR_M_MCAST = 1u << 1, /* link-level multicast */
	EPAIR_M_VLANTAG = 1u << 2, /* vlan_tci is valid (out of band) */
	/*
	 * The checksum field at csum_start + csum_offset holds the sum of the
	 * pseudo header only: whoever delivers the frame to somebody who
	 * cannot finish it must do so (virtio's NEEDS_CSUM).
	 */
	EPAIR_M_CSUM_PARTIAL = 1u << 3,
	EPAIR_M_CSUM_VALID = 1u << 4, /* checksum was verified or not needed */
	EPAIR_M_TSTAMP = 1u << 5, /* tstamp_ns is valid */
	EPAIR_M_PKTID = 1u << 6, /* pktid is valid: some capture has seen it */
	EPAIR_M_SNDTAG = 1u << 7, /* a rate-limit tag; released on hand-over */
	EPAIR_M_TAGS = 1u << 8, /* tags is not empty */
	EPAIR_M_EXT = 1u << 9, /* the buffer is foreign (any mbuf) */
	EPAIR_M_LARGE = 1u << 10, /* the buffer is a large one (any mbuf) */
};

/* gso: the frame is to be segmented with gso_size octets of payload each. */
enum epair_gso {
	EPAIR_GSO_NONE = 0,
	EPAIR_GSO_TCP4 = 1,
	EPAIR_GSO_TCP6 = 2,
	EPAIR_GSO_UDP = 3, /* UDP over IPv4 or IPv6, a datagram a segment */
	EPAIR_GSO_ECN = 0x80, /* added to TCP4/TCP6: CWR on the first only */
};

/* hashtype: how hash was computed; 0 says that there is none. */
enum epair_hashtype {
	EPAIR_HASH_NONE = 0,
	EPAIR_HASH_RSS_IPV4,
	EPAIR_HASH_RSS_TCP_IPV4,
	EPAIR_HASH_RSS_UDP_IPV4,
	EPAIR_HASH_RSS_IPV6,
	EPAIR_HASH_RSS_TCP_IPV6,
	EPAIR_HASH_RSS_UDP_IPV6,
	EPAIR_HASH_OPAQUE, /* identifies a flow, but is no RSS hash */
};

/*
 * The first cache line is what every frame touches; the second is touched
 * only where a flag of the first says so. Fields marked (lib) are the
 * library's.
 */
struct epair_mbuf {
	struct epair_mbuf *next; /* next mbuf of this frame, NULL in the last */
	uint8_t *data; /* first octet */
	uint32_t len; /* octets in this mbuf */
	uint32_t pktlen; /* octets in the frame; first mbuf only */
	uint32_t flags; /* EPAIR_M_* */
	uint32_t hash; /* flow hash, if hashtype is not 0 */
	uint32_t rcvif; /* interface index of the receiver, set by the cable */
	uint16_t fib; /* routing table number, set at delivery */
	uint8_t hashtype; /* enum epair_hashtype */
	uint8_t gso; /* enum epair_gso */
	uint16_t csum_start; /* from data, if M_CSUM_PARTIAL */
	uint16_t csum_offset; /* from csum_start */
	uint16_t gso_size; /* payload octets per segment, if gso */
	uint16_t hdr_len; /* octets of headers in front, if gso; a hint */
	struct ep_account *account; /* (lib) who is charged */
	struct ep_pool *pool; /* (lib) where it goes when freed */

	union {
		uint8_t *buf; /* (lib) its buffer */
		struct ep_ext *ext; /* (lib) foreign buffer, if M_EXT */
	};
	struct ep_tag *tags; /* (lib) if M_TAGS */
	uint64_t pktid; /* same on both ends, if M_PKTID */
	uint64_t tstamp_ns; /* if M_TSTAMP */
	uint64_t held_ns; /* (lib) when a discipline took it */
	uint16_t vlan_tci; /* PCP, DEI and VID, if M_VLANTAG */
	uint16_t pad[3];
	uint64_t user[2]; /* the owner's; not kept across a cable */
};

/* Payload of one small mbuf with default headroom, and the largest there is. */
#define EPAIR_MBUF_SMALL    1856u
#define EPAIR_MBUF_HEADROOM 64u
#define EPAIR_MBUF_LARGE    69632u

/*
 * Take n frames of one mbuf each, every one with room for `size` octets behind
 * EPAIR_MBUF_HEADROOM octets of headroom; len and pktlen are 0.
 *
 * Gives the frames to the caller in ms[0 .. returned-1]. size may be 0 to
 * EPAIR_MBUF_LARGE; up to EPAIR_MBUF_SMALL the buffer is a small one.
 *
 * Returns how many it got (fewer than n when the pool is at its limit or
 * memory is short; 0 is no error), or -EMSGSIZE for a larger size.
 */
EPAIR_API int epair_mbuf_alloc(
    struct epair *ep, struct epair_mbuf **ms, unsigned n, uint32_t size);

/* Free n frames, chains and all. Takes them. A NULL entry is skipped. */
EPAIR_API void epair_mbuf_free(struct epair_mbuf **ms, unsigned n);

/*
 * Make a frame from octets: allocate, copy, set len and pktlen. A frame longer
 * than a large buffer becomes a chain.
 *
 * Returns the frame, or NULL when there is no memory.
 */
EPAIR_API struct epair_mbuf *epair_mbuf_from(
    struct epair *ep, const void *octets, uint32_t len);

/*
 * Make a frame of an mbuf around a buffer that is somebody else's. `release`
 * is called with arg, once, when the frame has been freed, from whatever
 * thread freed it, and must not call back into the library.
 * The buffer must stay as it is until then.
 *
 * Returns 0, or -ENOMEM: release is then not called.
 */
EPAIR_API int epair_mbuf_foreign(struct epair *ep, void *buf, uint32_t len,
    void (*release)(void *arg), void *arg, struct epair_mbuf **mp);

/* A copy of the frame with its metadata and tags, charged to nobody; or NULL. */
EPAIR_API struct epair_mbuf *epair_mbuf_copy(const struct epair_mbuf *m);

/*
 * Copy len octets of the frame from offset off into buf, across the chain.
 * Returns how many there were to copy.
 */
EPAIR_API uint32_t epair_mbuf_read(
    const struct epair_mbuf *m, uint32_t off, void *buf, uint32_t len);

/* Chain `tail`, a frame of its own until now, behind m. Takes tail. */
EPAIR_API void epair_mbuf_chain(struct epair_mbuf *m, struct epair_mbuf *tail);

/*
 * Room in front of data, and behind data+len, in this mbuf.
 */
EPAIR_API uint32_t epair_mbuf_headroom(const struct epair_mbuf *m);
EPAIR_API uint32_t epair_mbuf_tailroom(const struct epair_mbuf *m);

/*
 * Metadata tags, as mbuf_tags(9): small pieces of data that travel with a
 * frame. A tag that is not persistent is deleted when the frame crosses a
 * cable. Data is copied; at most EPAIR_TAG_MAX octets.
 *
 * add: returns 0, -ENOMEM, or -EMSGSIZE.
 * find: the data of the first tag of that cookie and type, or NULL.
 * count: how many tags the frame has.
 */
#define EPAIR_TAG_MAX 64u
EPAIR_API int epair_mbuf_tag_add(struct epair_mbuf *m, uint32_t cookie,
    uint16_t type, bool persistent, const void *data, uint16_t len);
EPAIR_API const void *epair_mbuf_tag_find(
    const struct epair_mbuf *m, uint32_t cookie, uint16_t type, uint16_t *len);
EPAIR_API unsigned epair_mbuf_tag_count(const struct epair_mbuf *m);

/*
 * Finish in software what offload left open, for whoever cannot take it:
 * checksum (IPv4 header where a segment needs it, TCP, UDP over IPv4 and
 * IPv6) and segmentation (TCP over IPv4 and IPv6, UDP).
 *
 * Takes m on success. Gives 1 or more frames, in order, in ms[0 ..], an array of
 * the caller with room for max.
 *
 * Returns the number of frames; -EINVAL when the request makes no sense for
 * this frame, -ENOMEM when mbufs were not to be had, -ENOBUFS when max is too
 * small: m is then still the caller's, unchanged.
 */
EPAIR_API int epair_mbuf_finish(
    struct epair_mbuf *m, struct epair_mbuf **ms, unsigned max);

/*
 * How many frames epair_mbuf_finish() would give: 1 without segmentation, 0 for
 * a frame that it would refuse.
 */
EPAIR_API unsigned epair_mbuf_segments(const struct epair_mbuf *m);

#ifdef __cplusplus
}
#endif

#endif /* EPAIR_MBUF_H */
