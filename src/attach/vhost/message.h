/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * attach/vhost/message.h - what a front end says of a virtio-net device, by the
 * vhost-user protocol.
 *
 * On a stream: a header of 12 octets (request, flags, size of what follows), a
 * payload in the order of the machine, and descriptors that come with the
 * header. Nothing here knows sockets: octets become a struct whose every field
 * is within what the protocol allows, or are refused with a sentence.
 *
 * What is not asked for is not offered, and what is not offered is not known:
 * such a request is told apart only by whether it wants an answer.
 *
 * Invariants:
 *	M1  a message never takes in an octet of the next one, whose descriptors
 *	    would else come too early
 *	M2  a decoded message needs exactly the descriptors that came with it
 */
#ifndef EP_ATTACH_VHOST_MESSAGE_H
#define EP_ATTACH_VHOST_MESSAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define EP_VHOST_REGIONS_MAX 8u
#define EP_VHOST_CONFIG_MAX  256u
#define EP_VHOST_FDS_MAX     8u
#define EP_VHOST_HDR_LEN     12u
#define EP_VHOST_PAYLOAD_MAX 272u

enum ep_vhost_request {
	EP_VHOST_GET_FEATURES = 1,
	EP_VHOST_SET_FEATURES = 2,
	EP_VHOST_SET_OWNER = 3,
	EP_VHOST_RESET_OWNER = 4,
	EP_VHOST_SET_MEM_TABLE = 5,
	EP_VHOST_SET_VRING_NUM = 8,
	EP_VHOST_SET_VRING_ADDR = 9,
	EP_VHOST_SET_VRING_BASE = 10,
	EP_VHOST_GET_VRING_BASE = 11,
	EP_VHOST_SET_VRING_KICK = 12,
	EP_VHOST_SET_VRING_CALL = 13,
	EP_VHOST_SET_VRING_ERR = 14,
	EP_VHOST_GET_PROTOCOL_FEATURES = 15,
	EP_VHOST_SET_PROTOCOL_FEATURES = 16,
	EP_VHOST_GET_QUEUE_NUM = 17,
	EP_VHOST_SET_VRING_ENABLE = 18,
	EP_VHOST_NET_SET_MTU = 20,
	EP_VHOST_SET_BACKEND_REQ_FD = 21,
	EP_VHOST_GET_CONFIG = 24,
	EP_VHOST_SET_CONFIG = 25,
	EP_VHOST_GET_INFLIGHT_FD = 31,
	EP_VHOST_SET_INFLIGHT_FD = 32,
};

/* What a back end says, on a socket of its own. */
#define EP_VHOST_BACKEND_CONFIG_CHANGE 2u

/* Protocol features that we have. */
#define EP_VHOST_PROTOCOL_MQ          (UINT64_C(1) << 0)
#define EP_VHOST_PROTOCOL_REPLY_ACK   (UINT64_C(1) << 3)
#define EP_VHOST_PROTOCOL_NET_MTU     (UINT64_C(1) << 4)
#define EP_VHOST_PROTOCOL_BACKEND_REQ (UINT64_C(1) << 5)
#define EP_VHOST_PROTOCOL_CONFIG      (UINT64_C(1) << 9)
#define EP_VHOST_PROTOCOL_INFLIGHT    (UINT64_C(1) << 12)

struct ep_vhost_state {
	uint32_t index, num;
};

/* Where the parts of a ring are, in addresses of the front end. */
struct ep_vhost_addr {
	uint32_t index;
	uint64_t desc, used, avail;
};

struct ep_vhost_mem_region {
	uint64_t gpa; /* in the guest's memory */
	uint64_t size; /* not 0; no sum with it overflows */
	uint64_t uva; /* in the front end's */
	uint64_t offset; /* in the file */
};

struct ep_vhost_inflight_desc {
	uint64_t size, offset;
	uint16_t queues, queue_size;
};

struct ep_vhost_msg {
	uint32_t request; /* maybe none of enum ep_vhost_request */
	bool is_question; /* has an answer of its own */
	bool wants_reply; /* else: whether it was done */
	bool is_refused; /* that it was not; for whoever answers */
	uint32_t size; /* of the payload */
	unsigned fd_count;
	union {
		uint64_t u64;
		struct ep_vhost_state state;
		struct ep_vhost_addr addr;
		struct {
			unsigned count;
			struct ep_vhost_mem_region list[EP_VHOST_REGIONS_MAX];
		} mem;
		struct {
			uint8_t index;
			bool has_fd;
		} vring_fd;
		struct {
			uint32_t offset, size, flags;
			uint8_t octets[EP_VHOST_CONFIG_MAX];
		} config;
		struct ep_vhost_inflight_desc inflight;
	} u;
};

/* A message that is coming in. All zeros is the beginning of one. */
struct ep_vhost_in {
	uint8_t octets[EP_VHOST_HDR_LEN + EP_VHOST_PAYLOAD_MAX];
	uint32_t have; /* octets that came */
	unsigned fd_count;
	int fds[EP_VHOST_FDS_MAX];
};

/*
 * How many octets are to be put behind those that there are: all that is
 * missing of the header, then of the payload. 0: the message is complete.
 * Returns that, or -EPROTO with *why a constant sentence.
 */
int ep_vhost_in_missing(const struct ep_vhost_in *in, const char **why);

/*
 * A complete message. Returns 0, or -EPROTO with *why. The descriptors stay
 * in->fds.
 */
int ep_vhost_msg_decode(
    const struct ep_vhost_in *in, struct ep_vhost_msg *msg, const char **why);

/*
 * The answer: header and payload, from what msg->u says, or is_refused if it was
 * no question. Returns its octets.
 */
uint32_t ep_vhost_reply_encode(const struct ep_vhost_msg *msg,
    uint8_t octets[EP_VHOST_HDR_LEN + EP_VHOST_PAYLOAD_MAX]);

/* A request of a back end, without payload. */
void ep_vhost_request_encode(
    uint32_t request, uint8_t octets[EP_VHOST_HDR_LEN]);

#endif /* EP_ATTACH_VHOST_MESSAGE_H */
