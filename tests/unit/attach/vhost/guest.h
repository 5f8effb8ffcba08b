/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * guest.h - a front end of vhost-user and its guest's driver, for the tests of
 * the attachment `vhost`: they say what they are told to, and no more.
 *
 * The guest's memory is one memfd. Ring r is at r * RING_AREA, and buffer i of
 * ring r at buffer_at(r, i), BUFFER octets each. Descriptor i of a ring stands
 * for buffer i, unless a test lays it down by itself.
 */
#ifndef GUEST_H
#define GUEST_H

#include <linux/virtio_net.h>
#include <linux/virtio_ring.h>

#include "attach/vhost/feature.h"
#include "attach/vhost/message.h"
#include "unit/attach/qemu/wire.h"

#define BIT(n) (UINT64_C(1) << (n))

#define HDR       12u /* octets in front of a frame */
#define RING      64u
#define RINGS_MAX 8u
#define RING_AREA 0x4000u
#define BUFFERS   0x100000u
#define BUFFER    0x11000u /* a 64 KiB segment and its header */
#define MEMORY    (BUFFERS + RINGS_MAX * RING * BUFFER)
#define GPA       UINT64_C(0x40000000)
#define UVA       UINT64_C(0x7f0000000000)

/* What a Linux guest agrees on. */
#define FEATURES_OFFLOAD \
	(BIT(VIRTIO_NET_F_CSUM) | BIT(VIRTIO_NET_F_GUEST_CSUM) | \
	    BIT(VIRTIO_NET_F_HOST_TSO4) | BIT(VIRTIO_NET_F_HOST_TSO6) | \
	    BIT(VIRTIO_NET_F_HOST_ECN) | BIT(VIRTIO_NET_F_GUEST_TSO4) | \
	    BIT(VIRTIO_NET_F_GUEST_TSO6) | BIT(VIRTIO_NET_F_GUEST_ECN) | \
	    BIT(EP_VHOST_F_HOST_USO) | BIT(EP_VHOST_F_GUEST_USO4) | \
	    BIT(EP_VHOST_F_GUEST_USO6))
#define FEATURES_PLAIN (BIT(VIRTIO_F_VERSION_1) | BIT(EP_VHOST_F_PROTOCOL))
#define FEATURES \
	(FEATURES_PLAIN | FEATURES_OFFLOAD | BIT(VIRTIO_NET_F_MRG_RXBUF) | \
	    BIT(VIRTIO_RING_F_INDIRECT_DESC))
#define PROTOCOL (EP_VHOST_PROTOCOL_MQ | EP_VHOST_PROTOCOL_REPLY_ACK)

struct ring {
	struct vring_desc *desc;
	struct vring_avail *avail;
	struct vring_used *used;
	uint16_t next; /* avail->idx, ours */
	uint16_t seen; /* of used->idx */
	int kick, call;
};

struct guest {
	struct wire *w;
	int sock, mem;
	uint8_t *at;
	uint64_t features;
	unsigned pairs;
	struct ring rings[RINGS_MAX];
};

/* Memory and rings, all zeros; nobody is connected. */
void guest_init(struct guest *g, struct wire *w);
void guest_fini(struct guest *g);

/*
 * Connect and agree; and tell memory and rings from `bases` on (NULL: 0), and
 * enable so many pairs.
 */
void guest_connect(struct guest *g, uint64_t features, uint64_t protocol);
void guest_start(struct guest *g, unsigned pairs, const uint16_t *bases);
/* All of it, with one pair. */
void guest_run(struct guest *g, uint64_t features);
void guest_hang_up(struct guest *g);

/* Say something, with descriptors; and ask: the answer's payload. */
void guest_say(struct guest *g, uint32_t request, const void *payload,
    uint32_t size, const int *fds, unsigned count);
void guest_say_u64(struct guest *g, uint32_t request, uint64_t value);
void guest_say_state(
    struct guest *g, uint32_t request, uint32_t index, uint32_t num);
uint32_t guest_ask(struct guest *g, uint32_t request, const void *payload,
    uint32_t size, void *answer, uint32_t most, int *fd);
uint64_t guest_ask_u64(struct guest *g, uint32_t request);
/* With need_reply: whether it was done. */
int guest_is_done(struct guest *g, uint32_t request, const void *payload,
    uint32_t size, int fd);
void guest_say_memory(struct guest *g);
void guest_say_ring(struct guest *g, unsigned r, uint16_t base);
/* Read until the back end has hung up. */
void guest_await_end(struct guest *g);

/* Where buffer i of ring r is, in the guest's memory and here. */
uint64_t buffer_gpa(unsigned r, unsigned i);
uint8_t *buffer(struct guest *g, unsigned r, unsigned i);

/* Lay down a descriptor; offer a head; kick. */
void guest_desc(struct guest *g, unsigned r, unsigned i, uint64_t addr,
    uint32_t len, uint16_t flags, uint16_t next);
void guest_offer(struct guest *g, unsigned r, uint16_t head);
void guest_kick(struct guest *g, unsigned r);

/* Offer buffer i of a transmitting ring with header and frame in it. */
void guest_send(struct guest *g, unsigned r, unsigned i,
    const struct virtio_net_hdr_v1 *hdr, const void *frame, uint32_t len);
/* Offer n buffers of len octets from descriptor i on. */
void guest_post(
    struct guest *g, unsigned r, unsigned i, unsigned n, uint32_t len);

/* Await that something was given back: which descriptor, and how much of it. */
struct vring_used_elem guest_take(struct guest *g, unsigned r);
int guest_has_used(const struct guest *g, unsigned r);
/* How often the guest was interrupted since last asked. */
uint64_t guest_interrupts(struct guest *g, unsigned r);

/* A guest on the attachment, which serves; one for each test. */
struct rest {
	struct wire *w;
	struct guest g;
};

struct rest *begin(void **state);

/* Octets of a frame; transmitted at b, so that the guest receives it. */
void fill(uint8_t *octets, uint32_t len, uint8_t seed);
int is_filled(const uint8_t *octets, uint32_t len, uint8_t seed);
void to_guest(struct wire *w, uint32_t len, uint8_t seed);
/* The i-th frame that arrived at b is such a one. */
void kept_is(struct wire *w, unsigned i, uint32_t len, uint8_t seed);

#endif /* GUEST_H */
