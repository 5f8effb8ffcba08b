/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Any stream, in pieces of any size: its messages are refused with a sentence,
 * or are within what the protocol allows, with the descriptors that they need;
 * none takes in an octet of the next (M1), and what would be answered has room.
 *
 *	octet 0		how many descriptors come with each message
 *	octet 1		octets that come at a time
 *	the rest	the stream
 */
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "attach/vhost/message.h"
#include "base/assert.h"

int LLVMFuzzerTestOneInput(const uint8_t *in, size_t n);

static void
check_memory(const struct ep_vhost_msg *msg)
{
	EP_ASSERT(msg->u.mem.count >= 1);
	EP_ASSERT(msg->u.mem.count <= EP_VHOST_REGIONS_MAX);
	EP_ASSERT(msg->fd_count == msg->u.mem.count);
	for (unsigned i = 0; i < msg->u.mem.count; i++) {
		const struct ep_vhost_mem_region *r = &msg->u.mem.list[i];

		EP_ASSERT(r->size > 0);
		EP_ASSERT(r->gpa + r->size >= r->gpa);
		EP_ASSERT(r->uva + r->size >= r->uva);
		EP_ASSERT(r->offset + r->size >= r->offset);
	}
}

static void
check_message(const struct ep_vhost_msg *msg)
{
	uint8_t octets[EP_VHOST_HDR_LEN + EP_VHOST_PAYLOAD_MAX];

	switch (msg->request) {
	case EP_VHOST_SET_MEM_TABLE:
		check_memory(msg);
		break;
	case EP_VHOST_SET_VRING_KICK:
	case EP_VHOST_SET_VRING_CALL:
	case EP_VHOST_SET_VRING_ERR:
		EP_ASSERT(msg->fd_count == msg->u.vring_fd.has_fd);
		break;
	case EP_VHOST_GET_CONFIG:
	case EP_VHOST_SET_CONFIG:
		EP_ASSERT(msg->u.config.size <= EP_VHOST_CONFIG_MAX);
		EP_ASSERT(msg->u.config.offset <=
			  EP_VHOST_CONFIG_MAX - msg->u.config.size);
		break;
	case EP_VHOST_SET_BACKEND_REQ_FD:
	case EP_VHOST_SET_INFLIGHT_FD:
		EP_ASSERT(msg->fd_count == 1);
		break;
	default:
		break;
	}
	EP_ASSERT(ep_vhost_reply_encode(msg, octets) <= sizeof(octets));
}

int
LLVMFuzzerTestOneInput(const uint8_t *in, size_t n)
{
	struct ep_vhost_in msg_in = { .have = 0 };
	const char *why = NULL;
	struct ep_vhost_msg msg;
	size_t at = 2, take;
	int missing;

	if (n < 2)
		return 0;
	for (;;) {
		missing = ep_vhost_in_missing(&msg_in, &why);
		if (missing < 0) {
			EP_ASSERT(why != NULL);
			return 0;
		}
		if (missing > 0) {
			take = 1 + in[1] % 64;
			take = take < (size_t)missing ? take : (size_t)missing;
			if (take > n - at)
				return 0;
			EP_ASSERT(msg_in.have + take <= sizeof(msg_in.octets));
			memcpy(msg_in.octets + msg_in.have, in + at, take);
			msg_in.have += (uint32_t)take;
			at += take;
			continue;
		}
		msg_in.fd_count = in[0] % (EP_VHOST_FDS_MAX + 1);
		if (ep_vhost_msg_decode(&msg_in, &msg, &why) != 0) {
			EP_ASSERT(why != NULL);
			return 0;
		}
		check_message(&msg);
		msg_in.have = 0;
	}
}
