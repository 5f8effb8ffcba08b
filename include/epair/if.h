/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * epair/if.h - one end of a pair, and the life of pairs.
 *
 * A struct epair_if is a counted reference to an interface. It stays valid
 * memory until epair_if_put(), also when the pair has been destroyed by
 * somebody else: every call on it then answers -ENXIO, and transmit frees the
 * frames. While any reference to one end is held, neither end's memory goes.
 *
 * References are not needed to keep an interface alive: it lives until it is
 * destroyed by name or by its vnet's end.
 */
#ifndef EPAIR_IF_H
#define EPAIR_IF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <epair/drop.h>
#include <epair/err.h>
#include <epair/vnet.h>

#ifdef __cplusplus
extern "C" {
#endif

struct epair;
struct epair_if;
struct epair_mbuf;

/* Interface flags, with FreeBSD's values. */
enum {
	EPAIR_IFF_UP = 0x1, /* administratively up (settable) */
	EPAIR_IFF_BROADCAST = 0x2,
	EPAIR_IFF_DEBUG = 0x4, /* (settable, no effect of its own) */
	EPAIR_IFF_RUNNING = 0x40, /* the driver's; lost on destroy */
	EPAIR_IFF_PROMISC = 0x100, /* told to attachments (settable) */
	EPAIR_IFF_ALLMULTI = 0x200, /* (settable) */
	EPAIR_IFF_SIMPLEX = 0x800,
	EPAIR_IFF_MULTICAST = 0x8000,
	EPAIR_IFF_MONITOR = 0x40000, /* frames end after the taps (settable) */
};
#define EPAIR_IFF_SETTABLE \
	(EPAIR_IFF_UP | EPAIR_IFF_DEBUG | EPAIR_IFF_PROMISC | \
	    EPAIR_IFF_ALLMULTI | EPAIR_IFF_MONITOR)

/* Capabilities (contract 2.1, 9.1). */
enum {
	EPAIR_CAP_VLAN_MTU = 1u << 0, /* 802.1Q frames at full MTU; always */
	/*
	 * Frames may arrive with EPAIR_M_CSUM_PARTIAL, and to be segmented,
	 * and are finished in software at delivery where what is attached to
	 * the receiver cannot take them. Switching these off makes that happen
	 * for every receiver.
	 */
	EPAIR_CAP_CSUM = 1u << 1,
	EPAIR_CAP_TSO = 1u << 2, /* TCP, IPv4 and IPv6, with ECN */
	EPAIR_CAP_USO = 1u << 3, /* UDP */
	/* Out-of-band VLAN information crosses instead of being cleared. */
	EPAIR_CAP_VLAN_HWTAGGING = 1u << 4,
	/* The link tells the truth (contract 9.2): see enum epair_carrier. */
	EPAIR_CAP_LINK_FOLLOW = 1u << 5,
};
#define EPAIR_CAP_DEFAULT \
	(EPAIR_CAP_VLAN_MTU | EPAIR_CAP_CSUM | EPAIR_CAP_TSO | EPAIR_CAP_USO)

enum epair_link {
	EPAIR_LINK_DOWN = 1,
	EPAIR_LINK_UP = 2,
};

/*
 * What the link of an end says. ALWAYS, the original's: that the pair is there.
 * FOLLOW: whether somebody hears. It is DOWN while the other end is not UP,
 * while nobody is behind that (its peer is not connected, its device is down,
 * its attachment was lost or taken away), and while the cable is cut that leads
 * from there. An end that nothing was ever attached to is the program's own,
 * which transmits when it likes, and counts as there. See also attach.h.
 */
enum epair_carrier {
	EPAIR_CARRIER_ALWAYS = 0,
	EPAIR_CARRIER_FOLLOW, /* EPAIR_CAP_LINK_FOLLOW */
};

/* Media words; the only one that an epair knows, and what one may ask for. */
enum epair_media {
	EPAIR_MEDIA_NONE = 0,
	EPAIR_MEDIA_10GBASE_T = 22, /* Ethernet, 10Gbase-T */
	EPAIR_MEDIA_FDX = 0x100000, /* full duplex; in the active word */
};

enum {
	EPAIR_MEDIA_AVALID = 1, /* status: the media state is valid */
	EPAIR_MEDIA_ACTIVE = 2, /* status: the media is active */
};

enum epair_mac_policy {
	EPAIR_MAC_ORIGINAL = 0, /* contract 2.3 */
	EPAIR_MAC_STABLE, /* contract 2.4: from host id, vnet and name */
};

/* How to make a pair. All zero but size, or NULL, is the default. */
struct epair_create {
	size_t size; /* sizeof(struct epair_create) */
	enum epair_mac_policy mac_policy;
	const uint8_t *mac_a, *mac_b; /* six octets each, or NULL */
	uint32_t mtu; /* 0 is 1500 */
	uint32_t mbufs_max; /* frames held by this pair; 0: the instance's */
	uint32_t queue_limit; /* of each queue; 0 is 4096 */
	enum epair_carrier carrier;
};

/*
 * Make a pair in a vnet (NULL is "vnet0"). name is "epair" for the lowest free
 * unit, or "epair<N>" (contract 1.2 to 1.6).
 *
 * Gives a reference to the `a` end in *a, unless a is NULL.
 *
 * Returns 0; -EINVAL, -ENOSPC or -EEXIST for the name as in the contract;
 * -EINVAL for a group or zero MAC or an MTU out of range; -EEXIST for a MAC
 * that is on an interface of the instance; -ENOENT for the vnet; -ENOMEM;
 * -ENOBUFS at the instance's limit of pairs; or the error of attaching what the
 * vnet's kind says: there is no pair then.
 */
EPAIR_API int epair_if_create(struct epair *ep, const char *vnet,
    const char *name, const struct epair_create *how, struct epair_if **a,
    struct epair_err *err);

/*
 * Open an end of a cable that leads to another process, by memif: to a program
 * that opens the same path with the other role, so that the two need nobody
 * else, or to an end that somebody has attached memif: to.
 *
 * where is a path, or memif's keys (epair-attach(7)): "/run/cable",
 * "path=/run/cable,role=server,queues=2". By default this end is the client,
 * which tries for as long as it takes.
 *
 * What it gives is the `a` end of a pair of this instance in "vnet0", made as
 * `how` says (NULL: the default), with EPAIR_CARRIER_FOLLOW: every call is for
 * it as for any other, its link says whether the other process is connected,
 * and epair_if_destroy() closes it. It is not UP; while it is not, the other
 * process has no link.
 *
 * Returns as epair_if_create() and epair_attach().
 */
EPAIR_API int epair_if_open(struct epair *ep, const char *where,
    const struct epair_create *how, struct epair_if **ifp,
    struct epair_err *err);

/*
 * Destroy the pair that ifp is an end of (contract 8.1). After it returns no
 * callback of either end runs and every queued frame is freed, whoever is
 * transmitting. Called from a callback of either end it detaches at once,
 * returns, and the rest happens after that callback has returned; so it does
 * when called from a callback of another pair while some callback is waiting
 * for a destroy already, since the two could wait for each other.
 *
 * The reference stays the caller's, to be put.
 *
 * Returns 0, or -ENXIO if it was destroyed already.
 */
EPAIR_API int epair_if_destroy(struct epair_if *ifp, struct epair_err *err);

/*
 * Find an interface by vnet (NULL is "vnet0") and name.
 * Gives a reference. Returns 0; -ENOENT for the vnet; -ENXIO.
 */
EPAIR_API int epair_if_get(struct epair *ep, const char *vnet, const char *name,
    struct epair_if **ifp, struct epair_err *err);

/* Find an interface by index. Gives a reference. Returns 0, or -ENXIO. */
EPAIR_API int epair_if_get_index(
    struct epair *ep, uint32_t index, struct epair_if **ifp);

/* The other end. Gives a reference of its own. Never fails. */
EPAIR_API struct epair_if *epair_if_peer(struct epair_if *ifp);

/* Another reference to the same interface. */
EPAIR_API struct epair_if *epair_if_ref(struct epair_if *ifp);

/* Give a reference back. NULL is ignored. */
EPAIR_API void epair_if_put(struct epair_if *ifp);

/* The instance that the interface belongs to. */
EPAIR_API struct epair *epair_if_instance(const struct epair_if *ifp);

/*
 * Names of the interfaces of a vnet in the order in which they were attached
 * to it (contract 1.7), up to max of them. Every interface of a vnet is in the
 * group "epair".
 * Returns how many there are, which may be more than max; -ENOENT.
 */
EPAIR_API int epair_if_list(struct epair *ep, const char *vnet,
    char (*names)[EPAIR_NAME_MAX], size_t max);

/*
 * The same interfaces, a part at a time: references to up to max of those whose
 * `place` (struct epair_if_info) is above `after`, which is 0 for the first
 * part and then the place of the last one. They may come and go between two
 * parts: what is there all the time is given once.
 * Returns how many it gave; -ENOENT.
 */
EPAIR_API int epair_if_list_after(struct epair *ep, const char *vnet,
    uint64_t after, struct epair_if **ifps, size_t max);

/*
 * Move to another vnet (contract 8.2). It loses UP, its multicast memberships,
 * discipline, captures and place in the list; an attachment given by its
 * vnet's kind stays behind, one given by hand stays on.
 * Returns 0; -ENOENT for the vnet; -EEXIST if the name is taken there, its own
 * vnet included; -ENXIO; -ENOMEM; or the error of attaching what the vnet's
 * kind says: it has moved then, and has no attachment.
 */
EPAIR_API int epair_if_move(
    struct epair_if *ifp, const char *vnet, struct epair_err *err);

/*
 * Rename (contract 1.8). A name is 1 to 15 octets, not "." or "..", without
 * '/', ':', space and control characters. The pair keeps its unit.
 * Returns 0; -EINVAL; -EEXIST if the vnet has the name (its own included);
 * -ENXIO.
 */
EPAIR_API int epair_if_rename(
    struct epair_if *ifp, const char *name, struct epair_err *err);

#define EPAIR_DESCR_MAX 64 /* a description, with its NUL */

/* Describe; "" clears. Returns 0; -ENAMETOOLONG; -ENXIO. */
EPAIR_API int epair_if_describe(
    struct epair_if *ifp, const char *text, struct epair_err *err);

/*
 * Set and clear settable flags. Returns 0; -EINVAL for a flag that is not
 * settable; -ENXIO. up and down are set_flags(UP, 0) and set_flags(0, UP).
 */
EPAIR_API int epair_if_set_flags(
    struct epair_if *ifp, uint32_t set, uint32_t clear, struct epair_err *err);
EPAIR_API int epair_if_up(struct epair_if *ifp);
EPAIR_API int epair_if_down(struct epair_if *ifp);

/* MTU, 72 to 65535. Returns 0; -EINVAL; -ENXIO. */
EPAIR_API int epair_if_set_mtu(
    struct epair_if *ifp, uint32_t mtu, struct epair_err *err);

/*
 * MAC address, six octets. Returns 0; -EINVAL for a group or zero address;
 * -EEXIST if an interface of the instance has it; -ENXIO.
 */
EPAIR_API int epair_if_set_mac(
    struct epair_if *ifp, const uint8_t *mac, struct epair_err *err);

/* Routing table number that delivered frames get. Returns 0, or -ENXIO. */
EPAIR_API int epair_if_set_fib(struct epair_if *ifp, uint16_t fib);

/*
 * Media (contract 7.2): 10Gbase-T is a no-op, anything else -ENXIO.
 */
EPAIR_API int epair_if_set_media(
    struct epair_if *ifp, uint32_t media, struct epair_err *err);

/*
 * Switch capabilities, of both ends: they are a pair's. VLAN_MTU cannot be
 * cleared. TSO and USO need CSUM: clearing CSUM clears them.
 * Returns 0; -EINVAL; -ENXIO.
 */
EPAIR_API int epair_if_set_caps(
    struct epair_if *ifp, uint32_t set, uint32_t clear, struct epair_err *err);

/*
 * Limit of each queue of this end, in frames, 1 to 1048576 (contract 4.2).
 * Returns 0; -EINVAL; -ENXIO.
 */
EPAIR_API int epair_if_set_queue_limit(
    struct epair_if *ifp, uint32_t limit, struct epair_err *err);

/* What happens to a frame for which there is no room on the cable. */
enum epair_full {
	EPAIR_FULL_DROP = 0, /* it is dropped (contract 4.2) */
	EPAIR_FULL_WAIT, /* its sender is held back, if it can be */
};

/*
 * What this end's frames do when the other end's queue, or the line before a
 * link, is full. With EPAIR_FULL_WAIT its attachment takes no more frames from
 * where they are until there is room: a TAP is not read, so that its queue in
 * the kernel fills, nor is a stream; a program asks epair_if_writable(). What
 * was taken before, up to 1024 frames, has room beyond the limit; so a sender
 * that can be held back loses nothing to it, and one that cannot does, and is
 * counted, as ever. What a discipline drops it drops for its own reasons.
 * Returns 0; -EINVAL; -ENXIO.
 */
EPAIR_API int epair_if_set_full(
    struct epair_if *ifp, enum epair_full full, struct epair_err *err);

/*
 * May a program send now? Returns 1; 0 if it should wait, and then what it
 * attached is told EPAIR_CHANGED_WRITABLE (attach.h) when there is room, perhaps
 * once too often; -ENXIO. Always 1 with EPAIR_FULL_DROP.
 */
EPAIR_API int epair_if_writable(struct epair_if *ifp);

/*
 * Multicast memberships, counted: two adds need two deletes. An address is six
 * octets with the group bit. Delivery does not depend on them (contract 5);
 * attachments are told.
 * Returns 0; -EINVAL; -ENOENT for a delete of what is not there; -ENOMEM;
 * -ENOBUFS at 1024 addresses; -ENXIO.
 */
EPAIR_API int epair_if_multi_add(struct epair_if *ifp, const uint8_t *mac);
EPAIR_API int epair_if_multi_del(struct epair_if *ifp, const uint8_t *mac);

/*
 * Queue discipline of what this end sends (contract 3.7), as <epair/qdisc.h>
 * has them; NULL or "none" takes it away, and what it held is handed on.
 * Returns 0; -EINVAL naming what was wrong and what is known; -ENOMEM; -ENXIO.
 */
EPAIR_API int epair_if_set_qdisc(
    struct epair_if *ifp, const char *spec, struct epair_err *err);

/*
 * Set one thing by its word, as ifconfig(8) and ip(8) write them: "up",
 * "down" (value NULL, or on|off), "mtu", "ether"/"address", "name", "descr"/"alias",
 * "fib", "media", "promisc"/"monitor"/"allmulti"/"debug" (on|off), "qdisc",
 * "link" (link.h), "full" (drop|wait),
 * "txqueuelen"/"queue-limit", "txcsum", "tso", "uso", "vlanhwtag" (on|off),
 * "carrier" (follow|always).
 * Returns what the call above returns; -EINVAL for an unknown word (contract
 * 7.3), naming the known ones.
 */
EPAIR_API int epair_if_set(struct epair_if *ifp, const char *word,
    const char *value, struct epair_err *err);

/*
 * Write what a word is set to, as epair_if_set() takes it, at most size octets
 * with the NUL: "1500" for "mtu", "on" or "off" for "up" and switches, "none"
 * for a discipline or link that there is not.
 * Returns the length of all of it; -EINVAL for an unknown word; -ENXIO.
 */
EPAIR_API int epair_if_get_word(struct epair_if *ifp, const char *word,
    char *buf, size_t size, struct epair_err *err);

/* The i-th word, or NULL behind the last. */
EPAIR_API const char *epair_if_word_at(unsigned i);

/* What an interface is. */
struct epair_if_info {
	size_t size; /* sizeof(struct epair_if_info) */
	char name[EPAIR_NAME_MAX];
	char vnet[EPAIR_NAME_MAX];
	char home[EPAIR_NAME_MAX]; /* vnet of its creation */
	char peer[EPAIR_NAME_MAX]; /* the other end's name ... */
	char peer_vnet[EPAIR_NAME_MAX]; /* ... and vnet */
	char descr[EPAIR_DESCR_MAX];
	char attachment[256]; /* as written, or "" */
	char qdisc[64]; /* as written, or "" */
	uint32_t index, peer_index;
	uint32_t unit;
	char side; /* 'a' or 'b' */
	uint8_t mac[6];
	uint16_t fib;
	uint32_t mtu;
	uint32_t flags; /* EPAIR_IFF_* */
	uint32_t caps; /* EPAIR_CAP_* enabled */
	enum epair_link link;
	uint64_t baudrate; /* bits per second */
	uint32_t media_current, media_active, media_status;
	uint32_t queues;
	uint32_t queue_limit;
	uint32_t multi_count; /* multicast memberships */
	enum epair_full full; /* of what it sends */
	uint32_t mbufs_max; /* frames that the pair may hold */
	/* In the list of its vnet: greater is later; never used again. */
	uint64_t place;
	bool by_vnet; /* its vnet gave it the attachment that it has */
};

/*
 * Has what is attached taken up all that was changed before? A worker tells it
 * (EPAIR_CHANGED_*, attach.h), so a TAP is UP inside, say, a moment after
 * epair_if_up() has returned. What cannot be taken up is told by an ATTACHMENT
 * event, and counts as taken up; WRITABLE is not waited for.
 * Returns 1; 0 if not yet; -ENXIO.
 */
EPAIR_API int epair_if_settled(struct epair_if *ifp);

/* Fill *info. Returns 0; -ENXIO if destroyed; -EINVAL for the size. */
EPAIR_API int epair_if_get_info(
    struct epair_if *ifp, struct epair_if_info *info);

/*
 * The attachment and the discipline as they were written, all of it: what the
 * info has of them may be cut off. At most size octets with the NUL; "" if
 * there is none.
 * Returns the length of all of it; -ENXIO.
 */
EPAIR_API int epair_if_get_attachment(
    struct epair_if *ifp, char *buf, size_t size);
EPAIR_API int epair_if_get_qdisc(struct epair_if *ifp, char *buf, size_t size);

/*
 * What an interface counted. Counters start at 0, never go back and survive a
 * move. Filled also after destruction, while a reference is held.
 */
struct epair_if_stats {
	size_t size; /* sizeof(struct epair_if_stats) */
	uint64_t ipackets, ibytes, imcasts, ierrors;
	uint64_t opackets, obytes, omcasts, oerrors, oqdrops;
	uint64_t queued; /* frames waiting to be delivered here, now */
	uint64_t delivered; /* frames that the stack was handed */
	uint64_t waits; /* times that its sender was held back */
	uint64_t drops[EPAIR_DROP_MAX];
};

/* Fill *stats. Returns 0, or -EINVAL for the size. */
EPAIR_API int epair_if_get_stats(
    struct epair_if *ifp, struct epair_if_stats *stats);

/*
 * Transmit n frames on this end, in order (contract 3).
 *
 * Any number of threads may transmit on one interface. Bursts are cheaper than
 * single frames: locks are taken and tasks are woken once for each.
 *
 * Takes all of them, whatever the outcome; the array stays the caller's, but
 * what it holds is scrambled.
 *
 * Returns 0 if none was refused; else the error of one that was: -E2BIG,
 * -ENXIO, -ENETDOWN, -ENOMEM, or the discipline's -ENOBUFS. A frame that a full
 * queue or a peer that is down swallowed was not refused (contract 3.6, 3.8).
 */
EPAIR_API int epair_if_transmit(
    struct epair_if *ifp, struct epair_mbuf **ms, unsigned n);

#ifdef __cplusplus
}
#endif

#endif /* EPAIR_IF_H */
