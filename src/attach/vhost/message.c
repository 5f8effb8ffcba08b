/* SPDX-License-Identifier: BSD-2-Clause */
#include "attach/vhost/message.h"

#include <errno.h>
#include <string.h>

#define VERSION      1u
#define VERSION_MASK 3u
#define IS_REPLY     4u
#define NEED_REPLY   8u
#define NO_FD        0x100u

/* What lies at an offset of the payload. */
static void
take(const uint8_t *payload, uint32_t offset, void *value, size_t len)
{
	memcpy(value, payload + offset, len);
}

struct header {
	uint32_t request, flags, size;
};

static struct header
header_of(const struct ep_vhost_in *in)
{
	struct header h;

	memcpy(&h, in->octets, sizeof(h));
	return h;
}

int
ep_vhost_in_missing(const struct ep_vhost_in *in, const char **why)
{
	struct header h;

	if (in->have < EP_VHOST_HDR_LEN)
		return (int)(EP_VHOST_HDR_LEN - in->have);
	h = header_of(in);
	*why = "Message of another version";
	if ((h.flags & VERSION_MASK) != VERSION)
		return -EPROTO;
	*why = "Reply to nothing that was asked";
	if ((h.flags & IS_REPLY) != 0)
		return -EPROTO;
	*why = "Message too long";
	if (h.size > EP_VHOST_PAYLOAD_MAX)
		return -EPROTO;
	return (int)(EP_VHOST_HDR_LEN + h.size - in->have);
}

/* Each returns NULL, or what is wrong. */

static const char *
take_mem(const uint8_t *payload, struct ep_vhost_msg *msg)
{
	uint32_t count;

	if (msg->size < 8)
		return "Message of a wrong size";
	take(payload, 0, &count, 4);
	if (count == 0 || count > EP_VHOST_REGIONS_MAX)
		return "Memory of no, or too many regions";
	/* Some send the whole array, however much of it is used. */
	if (msg->size < 8 + count * 32)
		return "Message of a wrong size";
	msg->u.mem.count = count;
	for (uint32_t i = 0; i < count; i++) {
		struct ep_vhost_mem_region *r = &msg->u.mem.list[i];

		take(payload, 8 + i * 32, &r->gpa, 8);
		take(payload, 16 + i * 32, &r->size, 8);
		take(payload, 24 + i * 32, &r->uva, 8);
		take(payload, 32 + i * 32, &r->offset, 8);
		if (r->size == 0 || r->size > UINT64_MAX - r->gpa ||
		    r->size > UINT64_MAX - r->uva ||
		    r->size > UINT64_MAX - r->offset)
			return "Region that cannot be";
	}
	return NULL;
}

static const char *
take_addr(const uint8_t *payload, struct ep_vhost_msg *msg)
{
	struct ep_vhost_addr *addr = &msg->u.addr;

	/* index, flags (logging, which we do not do), and four addresses. */
	take(payload, 0, &addr->index, 4);
	take(payload, 8, &addr->desc, 8);
	take(payload, 16, &addr->used, 8);
	take(payload, 24, &addr->avail, 8);
	return NULL;
}

static const char *
take_vring_fd(const uint8_t *payload, struct ep_vhost_msg *msg)
{
	uint64_t value;

	take(payload, 0, &value, 8);
	msg->u.vring_fd.index = (uint8_t)value;
	msg->u.vring_fd.has_fd = (value & NO_FD) == 0;
	return (value & ~(uint64_t)(NO_FD | 0xff)) != 0 ? "No such queue"
							: NULL;
}

static const char *
take_config(const uint8_t *payload, struct ep_vhost_msg *msg)
{
	if (msg->size < 12)
		return "Message of a wrong size";
	take(payload, 0, &msg->u.config.offset, 4);
	take(payload, 4, &msg->u.config.size, 4);
	take(payload, 8, &msg->u.config.flags, 4);
	if (msg->u.config.size > EP_VHOST_CONFIG_MAX ||
	    msg->u.config.offset > EP_VHOST_CONFIG_MAX - msg->u.config.size ||
	    msg->size != 12 + msg->u.config.size)
		return "Configuration out of range";
	take(payload, 12, msg->u.config.octets, msg->u.config.size);
	return NULL;
}

static const char *
take_inflight(const uint8_t *payload, struct ep_vhost_msg *msg)
{
	struct ep_vhost_inflight_desc *d = &msg->u.inflight;

	/* 20 octets as it is written, 24 as compilers lay it out. */
	if (msg->size != 20 && msg->size != 24)
		return "Message of a wrong size";
	take(payload, 0, &d->size, 8);
	take(payload, 8, &d->offset, 8);
	take(payload, 16, &d->queues, 2);
	take(payload, 18, &d->queue_size, 2);
	return NULL;
}

static const char *
take_u64(const uint8_t *payload, struct ep_vhost_msg *msg)
{
	take(payload, 0, &msg->u.u64, 8);
	return NULL;
}

static const char *
take_state(const uint8_t *payload, struct ep_vhost_msg *msg)
{
	take(payload, 0, &msg->u.state.index, 4);
	take(payload, 4, &msg->u.state.num, 4);
	return NULL;
}

enum fds { FDS_NONE, FDS_ONE, FDS_IF_SAID, FDS_REGIONS };

#define ANY_SIZE UINT32_MAX

static const struct form {
	bool is_known;
	uint32_t size; /* of the payload; ANY_SIZE: take() judges it */
	enum fds fds;
	bool answers; /* always, by what is asked for */
	const char *(*take)(const uint8_t *payload, struct ep_vhost_msg *msg);
} forms[] = {
	[EP_VHOST_GET_FEATURES] = { true, 0, FDS_NONE, true, NULL },
	[EP_VHOST_SET_FEATURES] = { true, 8, FDS_NONE, false, take_u64 },
	[EP_VHOST_SET_OWNER] = { true, 0, FDS_NONE, false, NULL },
	[EP_VHOST_RESET_OWNER] = { true, 0, FDS_NONE, false, NULL },
	[EP_VHOST_SET_MEM_TABLE] = { true, ANY_SIZE, FDS_REGIONS, false,
	    take_mem },
	[EP_VHOST_SET_VRING_NUM] = { true, 8, FDS_NONE, false, take_state },
	[EP_VHOST_SET_VRING_ADDR] = { true, 40, FDS_NONE, false, take_addr },
	[EP_VHOST_SET_VRING_BASE] = { true, 8, FDS_NONE, false, take_state },
	[EP_VHOST_GET_VRING_BASE] = { true, 8, FDS_NONE, true, take_state },
	[EP_VHOST_SET_VRING_KICK] = { true, 8, FDS_IF_SAID, false,
	    take_vring_fd },
	[EP_VHOST_SET_VRING_CALL] = { true, 8, FDS_IF_SAID, false,
	    take_vring_fd },
	[EP_VHOST_SET_VRING_ERR] = { true, 8, FDS_IF_SAID, false,
	    take_vring_fd },
	[EP_VHOST_GET_PROTOCOL_FEATURES] = { true, 0, FDS_NONE, true, NULL },
	[EP_VHOST_SET_PROTOCOL_FEATURES] = { true, 8, FDS_NONE, false,
	    take_u64 },
	[EP_VHOST_GET_QUEUE_NUM] = { true, 0, FDS_NONE, true, NULL },
	[EP_VHOST_SET_VRING_ENABLE] = { true, 8, FDS_NONE, false, take_state },
	[EP_VHOST_NET_SET_MTU] = { true, 8, FDS_NONE, false, take_u64 },
	[EP_VHOST_SET_BACKEND_REQ_FD] = { true, 0, FDS_ONE, false, NULL },
	[EP_VHOST_GET_CONFIG] = { true, ANY_SIZE, FDS_NONE, true, take_config },
	[EP_VHOST_SET_CONFIG] = { true, ANY_SIZE, FDS_NONE, false,
	    take_config },
	[EP_VHOST_GET_INFLIGHT_FD] = { true, ANY_SIZE, FDS_NONE, true,
	    take_inflight },
	[EP_VHOST_SET_INFLIGHT_FD] = { true, ANY_SIZE, FDS_ONE, false,
	    take_inflight },
};

static bool
has_its_fds(enum fds fds, const struct ep_vhost_msg *msg)
{
	switch (fds) {
	case FDS_NONE:
		return msg->fd_count == 0;
	case FDS_ONE:
		return msg->fd_count == 1;
	case FDS_IF_SAID:
		return msg->fd_count == (msg->u.vring_fd.has_fd ? 1 : 0);
	case FDS_REGIONS:
		return msg->fd_count == msg->u.mem.count;
	}
	return false;
}

int
ep_vhost_msg_decode(
    const struct ep_vhost_in *in, struct ep_vhost_msg *msg, const char **why)
{
	const uint8_t *payload = in->octets + EP_VHOST_HDR_LEN;
	struct header h = header_of(in);
	const struct form *form = NULL;

	if (h.request < sizeof(forms) / sizeof(forms[0]))
		form = &forms[h.request];
	memset(msg, 0, sizeof(*msg));
	msg->request = h.request;
	msg->size = h.size;
	msg->fd_count = in->fd_count;
	msg->wants_reply = (h.flags & NEED_REPLY) != 0;
	if (form == NULL || !form->is_known)
		return 0; /* whoever sent it is told so, if it asks */
	msg->is_question = form->answers;
	*why = "Message of a wrong size";
	if (form->size != ANY_SIZE && form->size != h.size)
		return -EPROTO;
	*why = form->take != NULL ? form->take(payload, msg) : NULL;
	if (*why == NULL && !has_its_fds(form->fds, msg))
		*why = "Wrong number of descriptors";
	return *why == NULL ? 0 : -EPROTO;
}

static uint32_t
put(uint8_t *payload, uint32_t offset, const void *value, uint32_t len)
{
	memcpy(payload + offset, value, len);
	return offset + len;
}

static uint32_t
put_payload(const struct ep_vhost_msg *msg, uint8_t *payload)
{
	uint64_t result = msg->is_refused;

	if (!msg->is_question)
		return put(payload, 0, &result, 8);
	switch (msg->request) {
	case EP_VHOST_GET_VRING_BASE:
		(void)put(payload, 0, &msg->u.state.index, 4);
		return put(payload, 4, &msg->u.state.num, 4);
	case EP_VHOST_GET_CONFIG:
		(void)put(payload, 0, &msg->u.config.offset, 4);
		(void)put(payload, 4, &msg->u.config.size, 4);
		(void)put(payload, 8, &msg->u.config.flags, 4);
		return put(
		    payload, 12, msg->u.config.octets, msg->u.config.size);
	case EP_VHOST_GET_INFLIGHT_FD:
		(void)put(payload, 0, &msg->u.inflight.size, 8);
		(void)put(payload, 8, &msg->u.inflight.offset, 8);
		(void)put(payload, 16, &msg->u.inflight.queues, 2);
		(void)put(payload, 18, &msg->u.inflight.queue_size, 2);
		return msg->size;
	default:
		return put(payload, 0, &msg->u.u64, 8);
	}
}

uint32_t
ep_vhost_reply_encode(const struct ep_vhost_msg *msg,
    uint8_t octets[EP_VHOST_HDR_LEN + EP_VHOST_PAYLOAD_MAX])
{
	struct header h = { msg->request, VERSION | IS_REPLY, 0 };

	memset(octets, 0, EP_VHOST_HDR_LEN + EP_VHOST_PAYLOAD_MAX);
	h.size = put_payload(msg, octets + EP_VHOST_HDR_LEN);
	memcpy(octets, &h, sizeof(h));
	return EP_VHOST_HDR_LEN + h.size;
}

void
ep_vhost_request_encode(uint32_t request, uint8_t octets[EP_VHOST_HDR_LEN])
{
	struct header h = { request, VERSION, 0 };

	memcpy(octets, &h, sizeof(h));
}
