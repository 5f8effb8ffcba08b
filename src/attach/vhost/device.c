/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a front end says, one function for each request, in the table at the end.
 * They say NULL, or why the connection must end. What is asked for is put where
 * the answer is made from, in the message itself.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "attach/vhost/feature.h"
#include "attach/vhost/vhost.h"
#include "base/atomic.h"

/* The inflight buffer is at most this long. */
#define INFLIGHT_MAX (UINT64_C(64) << 20)

#define MTU_MIN 68u

static const char no_queue[] = "No such queue";
static const char is_running[] = "Queue is running";

static struct ep_vhost_queue *
queue_of(struct ep_vhost *vhost, uint32_t index)
{
	return index < vhost->queue_count ? &vhost->queues[index] : NULL;
}

static bool
any_is_started(struct ep_vhost *vhost)
{
	for (unsigned i = 0; i < vhost->queue_count; i++)
		if (ep_vhost_queue_is_started(&vhost->queues[i]))
			return true;
	return false;
}

/* Each that waited for just this. */
static const char *
start_all(struct ep_vhost *vhost)
{
	const char *why = NULL;

	for (unsigned i = 0; i < vhost->queue_count && why == NULL; i++)
		why = ep_vhost_queue_start(&vhost->queues[i]);
	return why;
}

/* Features. */

static const char *
get_features(struct ep_vhost *vhost, struct ep_vhost_msg *msg)
{
	vhost->offered = ep_vhost_features(
	    ep_load_relaxed(&vhost->st.ifp->caps), vhost->queue_count / 2);
	msg->u.u64 = vhost->offered;
	return NULL;
}

static const char *
set_features(struct ep_vhost *vhost, struct ep_vhost_msg *msg)
{
	uint64_t features = msg->u.u64;

	if ((features & ~vhost->offered) != 0)
		return "Feature that was not offered";
	if (vhost->has_features && features == vhost->features)
		return NULL;
	if (any_is_started(vhost))
		return is_running;
	vhost->features = features;
	vhost->has_features = true;
	ep_store_relaxed(&vhost->st.accepts, ep_vhost_accepts(features));
	return start_all(vhost);
}

static const uint64_t protocol =
    EP_VHOST_PROTOCOL_MQ | EP_VHOST_PROTOCOL_REPLY_ACK |
    EP_VHOST_PROTOCOL_NET_MTU | EP_VHOST_PROTOCOL_BACKEND_REQ |
    EP_VHOST_PROTOCOL_CONFIG | EP_VHOST_PROTOCOL_INFLIGHT;

static const char *
get_protocol(struct ep_vhost *vhost, struct ep_vhost_msg *msg)
{
	(void)vhost;
	msg->u.u64 = protocol;
	return NULL;
}

static const char *
set_protocol(struct ep_vhost *vhost, struct ep_vhost_msg *msg)
{
	if ((msg->u.u64 & ~protocol) != 0)
		return "Feature that was not offered";
	vhost->protocol = msg->u.u64;
	return NULL;
}

static const char *
get_queue_num(struct ep_vhost *vhost, struct ep_vhost_msg *msg)
{
	msg->u.u64 = vhost->queue_count / 2;
	return NULL;
}

static const char *
set_owner(struct ep_vhost *vhost, struct ep_vhost_msg *msg)
{
	(void)msg;
	vhost->is_owned = true;
	(void)ep_timer_drain(&vhost->conn.timer);
	return NULL;
}

/* An old way to say that the guest's driver is gone. */
static const char *
reset_owner(struct ep_vhost *vhost, struct ep_vhost_msg *msg)
{
	(void)msg;
	for (unsigned i = 0; i < vhost->queue_count; i++)
		ep_vhost_queue_stop(&vhost->queues[i]);
	return NULL;
}

/* Memory. */

static const char *
set_mem_table(struct ep_vhost *vhost, struct ep_vhost_msg *msg)
{
	struct ep_vhost_memory *memory;
	const char *why;

	if (ep_vhost_memory_create(
		msg, vhost->in.fds, &vhost->share, &memory, &why) != 0)
		return why;
	why = ep_vhost_queues_move(vhost, memory);
	return why != NULL ? why : start_all(vhost);
}

static const char *
get_inflight(struct ep_vhost *vhost, struct ep_vhost_msg *msg)
{
	struct ep_vhost_inflight_desc *d = &msg->u.inflight;
	int fd;

	if (d->queues == 0 || d->queues > vhost->queue_count ||
	    d->queue_size == 0 || d->queue_size > EP_VHOST_RING_MAX)
		return "Inflight buffer that cannot be";
	d->size = d->queues * ep_vhost_inflight_octets(d->queue_size);
	d->offset = 0;
	fd = memfd_create(
	    "epair-vhost-inflight", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (fd < 0 || ftruncate(fd, (off_t)d->size) != 0 ||
	    fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK) != 0) {
		if (fd >= 0)
			(void)close(fd);
		return "No memory";
	}
	/* Goes with the answer, and is closed with the message. */
	vhost->in.fds[0] = fd;
	vhost->in.fd_count = 1;
	return NULL;
}

static const char *
set_inflight(struct ep_vhost *vhost, struct ep_vhost_msg *msg)
{
	const struct ep_vhost_inflight_desc *d = &msg->u.inflight;
	const char *why;

	if (any_is_started(vhost))
		return is_running;
	if (d->size > INFLIGHT_MAX || d->offset > INFLIGHT_MAX ||
	    d->offset % 8 != 0 ||
	    d->queues * ep_vhost_inflight_octets(d->queue_size) > d->size)
		return "Inflight buffer that cannot be";
	ep_mapping_close(&vhost->inflight);
	if (ep_mapping_open(&vhost->inflight, &vhost->share, vhost->in.fds[0],
		d->offset + d->size, &why) != 0)
		return why;
	vhost->inflight_desc = *d;
	return NULL;
}

/* Queues. */

static const char *
set_num(struct ep_vhost *vhost, struct ep_vhost_msg *msg)
{
	struct ep_vhost_queue *q = queue_of(vhost, msg->u.state.index);
	uint32_t size = msg->u.state.num;

	if (q == NULL)
		return no_queue;
	if (size == 0 || size > EP_VHOST_RING_MAX || (size & (size - 1)) != 0)
		return "Queue of a wrong size";
	if (ep_vhost_queue_is_started(q))
		return size == q->size ? NULL : is_running;
	q->size = size;
	return ep_vhost_queue_start(q);
}

static bool
is_same(const struct ep_vhost_addr *a, const struct ep_vhost_addr *b)
{
	return a->desc == b->desc && a->used == b->used && a->avail == b->avail;
}

static const char *
set_addr(struct ep_vhost *vhost, struct ep_vhost_msg *msg)
{
	struct ep_vhost_queue *q = queue_of(vhost, msg->u.addr.index);

	if (q == NULL)
		return no_queue;
	/* Said again, to turn logging on or off, which we do not offer. */
	if (ep_vhost_queue_is_started(q))
		return is_same(&q->addr, &msg->u.addr) ? NULL : is_running;
	q->addr = msg->u.addr;
	q->has_addr = true;
	return ep_vhost_queue_start(q);
}

static const char *
set_base(struct ep_vhost *vhost, struct ep_vhost_msg *msg)
{
	struct ep_vhost_queue *q = queue_of(vhost, msg->u.state.index);

	if (q == NULL)
		return no_queue;
	/* For whoever asks before it is started; see ring.h for why not more. */
	if (ep_vhost_queue_is_started(q))
		return is_running;
	q->base = (uint16_t)msg->u.state.num;
	return NULL;
}

static const char *
get_base(struct ep_vhost *vhost, struct ep_vhost_msg *msg)
{
	struct ep_vhost_queue *q = queue_of(vhost, msg->u.state.index);

	if (q == NULL)
		return no_queue;
	ep_vhost_queue_stop(q);
	msg->u.state.num = q->base;
	return NULL;
}

/* The descriptor that came with the message, or -1. */
static int
take_fd(struct ep_vhost *vhost)
{
	int fd = vhost->in.fd_count > 0 ? vhost->in.fds[0] : -1;

	vhost->in.fd_count = 0;
	return fd;
}

static const char *
set_kick(struct ep_vhost *vhost, struct ep_vhost_msg *msg)
{
	struct ep_vhost_queue *q = queue_of(vhost, msg->u.vring_fd.index);

	return q == NULL ? no_queue
			 : ep_vhost_queue_set_kick(q, take_fd(vhost));
}

static const char *
set_call(struct ep_vhost *vhost, struct ep_vhost_msg *msg)
{
	struct ep_vhost_queue *q = queue_of(vhost, msg->u.vring_fd.index);

	return q == NULL ? no_queue
			 : ep_vhost_queue_set_call(q, take_fd(vhost));
}

/* We end the connection, which says more than that there was an error. */
static const char *
set_err(struct ep_vhost *vhost, struct ep_vhost_msg *msg)
{
	return queue_of(vhost, msg->u.vring_fd.index) == NULL ? no_queue : NULL;
}

static const char *
set_enable(struct ep_vhost *vhost, struct ep_vhost_msg *msg)
{
	struct ep_vhost_queue *q = queue_of(vhost, msg->u.state.index);

	if (q == NULL)
		return no_queue;
	if (msg->u.state.num > 1)
		return "Queue neither enabled nor not";
	ep_vhost_queue_enable(q, msg->u.state.num == 1);
	return NULL;
}

/* The configuration space. */

static const char *
set_mtu(struct ep_vhost *vhost, struct ep_vhost_msg *msg)
{
	uint32_t ours = ep_load_relaxed(&vhost->st.ifp->mtu);
	uint64_t mtu = msg->u.u64;

	msg->is_refused = mtu < MTU_MIN || mtu > UINT16_MAX;
	if (!msg->is_refused && mtu != ours)
		ep_tell(&vhost->conn.tell,
		    "the guest is given an MTU of %u; the interface's is %u",
		    (unsigned)mtu, ours);
	return NULL;
}

static void
fill_config(const struct ep_vhost *vhost, uint8_t space[EP_VHOST_CONFIG_MAX])
{
	struct epair_if_info info = { .size = sizeof(info) };
	struct virtio_net_config config = { .speed = UINT32_MAX,
		.duplex = UINT8_MAX };

	if (epair_if_get_info(vhost->st.ifp, &info) == 0) {
		memcpy(config.mac, info.mac, sizeof(config.mac));
		config.mtu = (uint16_t)info.mtu;
		if (ep_attach_has_link(&info))
			config.status = VIRTIO_NET_S_LINK_UP;
	}
	config.max_virtqueue_pairs = (uint16_t)(vhost->queue_count / 2);
	memset(space, 0, EP_VHOST_CONFIG_MAX);
	memcpy(space, &config, sizeof(config));
}

static const char *
get_config(struct ep_vhost *vhost, struct ep_vhost_msg *msg)
{
	uint8_t space[EP_VHOST_CONFIG_MAX];

	fill_config(vhost, space);
	memcpy(msg->u.config.octets, space + msg->u.config.offset,
	    msg->u.config.size);
	return NULL;
}

/* Nothing in it is the guest's to write. */
static const char *
set_config(struct ep_vhost *vhost, struct ep_vhost_msg *msg)
{
	(void)vhost;
	msg->is_refused = true;
	return NULL;
}

static const char *
set_backend_req(struct ep_vhost *vhost, struct ep_vhost_msg *msg)
{
	(void)msg;
	if (!ep_socket_is_unix(vhost->in.fds[0]))
		return "Back-end request is no Unix socket";
	if (vhost->backend_req >= 0)
		(void)close(vhost->backend_req);
	vhost->backend_req = take_fd(vhost);
	return NULL;
}

bool
ep_vhost_tell_config(struct ep_vhost *vhost)
{
	const uint64_t wanted = EP_VHOST_PROTOCOL_CONFIG |
				EP_VHOST_PROTOCOL_BACKEND_REQ;
	uint8_t octets[EP_VHOST_HDR_LEN];

	if ((vhost->protocol & wanted) != wanted || vhost->backend_req < 0)
		return false;
	ep_vhost_request_encode(EP_VHOST_BACKEND_CONFIG_CHANGE, octets);
	/* One that has no room has an earlier one to be read there. */
	return ep_socket_send(vhost->backend_req, octets, sizeof(octets), -1) !=
	       -EPIPE;
}

/* All. */

typedef const char *handler(struct ep_vhost *vhost, struct ep_vhost_msg *msg);

static handler *const handlers[] = {
	[EP_VHOST_GET_FEATURES] = get_features,
	[EP_VHOST_SET_FEATURES] = set_features,
	[EP_VHOST_SET_OWNER] = set_owner,
	[EP_VHOST_RESET_OWNER] = reset_owner,
	[EP_VHOST_SET_MEM_TABLE] = set_mem_table,
	[EP_VHOST_SET_VRING_NUM] = set_num,
	[EP_VHOST_SET_VRING_ADDR] = set_addr,
	[EP_VHOST_SET_VRING_BASE] = set_base,
	[EP_VHOST_GET_VRING_BASE] = get_base,
	[EP_VHOST_SET_VRING_KICK] = set_kick,
	[EP_VHOST_SET_VRING_CALL] = set_call,
	[EP_VHOST_SET_VRING_ERR] = set_err,
	[EP_VHOST_GET_PROTOCOL_FEATURES] = get_protocol,
	[EP_VHOST_SET_PROTOCOL_FEATURES] = set_protocol,
	[EP_VHOST_GET_QUEUE_NUM] = get_queue_num,
	[EP_VHOST_SET_VRING_ENABLE] = set_enable,
	[EP_VHOST_NET_SET_MTU] = set_mtu,
	[EP_VHOST_SET_BACKEND_REQ_FD] = set_backend_req,
	[EP_VHOST_GET_CONFIG] = get_config,
	[EP_VHOST_SET_CONFIG] = set_config,
	[EP_VHOST_GET_INFLIGHT_FD] = get_inflight,
	[EP_VHOST_SET_INFLIGHT_FD] = set_inflight,
};

static const char *
answer(const struct ep_vhost *vhost, const struct ep_vhost_msg *msg)
{
	uint8_t octets[EP_VHOST_HDR_LEN + EP_VHOST_PAYLOAD_MAX];
	uint32_t len = ep_vhost_reply_encode(msg, octets);
	int fd = msg->request == EP_VHOST_GET_INFLIGHT_FD ? vhost->in.fds[0]
							  : -1;

	return ep_socket_send(vhost->conn.fd, octets, len, fd) != 0
		   ? "Front end does not read"
		   : NULL;
}

const char *
ep_vhost_hear(struct ep_vhost *vhost, struct ep_vhost_msg *msg)
{
	const char *why = NULL;

	if (msg->request < sizeof(handlers) / sizeof(handlers[0]) &&
	    handlers[msg->request] != NULL)
		why = handlers[msg->request](vhost, msg);
	else
		msg->is_refused = true;
	if (why != NULL)
		return why;
	if (!msg->is_question &&
	    (!msg->wants_reply ||
		(vhost->protocol & EP_VHOST_PROTOCOL_REPLY_ACK) == 0))
		return NULL;
	return answer(vhost, msg);
}

void
ep_vhost_forget(struct ep_vhost *vhost)
{
	vhost->running = 0;
	for (unsigned i = 0; i < vhost->queue_count; i++)
		ep_vhost_queue_forget(&vhost->queues[i]);
	ep_vhost_memory_destroy(vhost->memory);
	vhost->memory = NULL;
	ep_mapping_close(&vhost->inflight);
	if (vhost->backend_req >= 0)
		(void)close(vhost->backend_req);
	vhost->backend_req = -1;
	ep_vhost_in_reset(&vhost->in);
	vhost->offered = vhost->features = vhost->protocol = 0;
	vhost->has_features = vhost->is_half = vhost->is_owned = false;
	ep_store_relaxed(&vhost->st.accepts, 0);
}
