/* SPDX-License-Identifier: BSD-2-Clause */
#include "attach/memif/message.h"

#include <errno.h>
#include <string.h>

/*
 * Both ways are one walk over the body: each field is taken from the octets, or
 * laid down there. So neither can have another order than the other.
 */
struct walk {
	uint8_t *at; /* the octets, when laying down */
	const uint8_t *from; /* else */
};

static void
field(struct walk *w, void *value, size_t len)
{
	if (w->at != NULL) {
		memcpy(w->at, value, len);
		w->at += len;
	} else {
		memcpy(value, w->from, len);
		w->from += len;
	}
}

/* A text of `max` octets, that need not end with a NUL on the wire. */
static void
text(struct walk *w, char *value, size_t max)
{
	size_t len;

	if (w->at != NULL) {
		/* The rest is zeros already. */
		len = strnlen(value, max);
		memcpy(w->at, value, len);
		w->at += max;
		return;
	}
	field(w, value, max);
	value[max] = '\0';
	len = strlen(value);
	for (size_t i = 0; i < len; i++)
		if (value[i] < ' ' || value[i] > '~')
			value[i] = '?'; /* M1 */
	memset(value + len, 0, max - len);
}

static const char *
walk_hello(struct walk *w, struct ep_memif_hello *hello)
{
	text(w, hello->name, EP_MEMIF_NAME);
	field(w, &hello->min_version, 2);
	field(w, &hello->max_version, 2);
	field(w, &hello->max_region, 2);
	field(w, &hello->max_m2s_ring, 2);
	field(w, &hello->max_s2m_ring, 2);
	field(w, &hello->max_log2, 1);
	if (hello->min_version > hello->max_version)
		return "Invalid versions";
	return NULL;
}

static const char *
walk_init(struct walk *w, struct ep_memif_init *init)
{
	field(w, &init->version, 2);
	field(w, &init->id, 4);
	field(w, &init->mode, 1);
	field(w, init->secret, EP_MEMIF_SECRET);
	text(w, init->name, EP_MEMIF_NAME);
	return NULL;
}

static const char *
walk_add_region(struct walk *w, struct ep_memif_add_region *region)
{
	field(w, &region->index, 2);
	field(w, &region->size, 8);
	return region->size == 0 ? "Empty region" : NULL;
}

static const char *
walk_add_ring(struct walk *w, struct ep_memif_add_ring *ring)
{
	uint16_t flags = ring->is_s2m ? EP_MEMIF_RING_S2M : 0;
	uint16_t private_hdr = 0;

	field(w, &flags, 2);
	field(w, &ring->index, 2);
	field(w, &ring->region, 2);
	field(w, &ring->offset, 4);
	field(w, &ring->log2, 1);
	field(w, &private_hdr, 2);
	ring->is_s2m = (flags & EP_MEMIF_RING_S2M) != 0;
	if ((flags & ~EP_MEMIF_RING_S2M) != 0)
		return "Unknown ring flags";
	if (ring->log2 > EP_MEMIF_LOG2_MAX)
		return "Ring too large";
	if (ring->offset % 8 != 0)
		return "Ring not aligned";
	if (private_hdr != 0)
		return "Private headers not supported";
	return NULL;
}

static const char *
walk_body(struct walk *w, struct ep_memif_msg *msg)
{
	switch (msg->type) {
	case EP_MEMIF_ACK:
		return NULL;
	case EP_MEMIF_HELLO:
		return walk_hello(w, &msg->u.hello);
	case EP_MEMIF_INIT:
		return walk_init(w, &msg->u.init);
	case EP_MEMIF_ADD_REGION:
		return walk_add_region(w, &msg->u.add_region);
	case EP_MEMIF_ADD_RING:
		return walk_add_ring(w, &msg->u.add_ring);
	case EP_MEMIF_CONNECT:
	case EP_MEMIF_CONNECTED:
		text(w, msg->u.if_name, EP_MEMIF_NAME);
		return NULL;
	case EP_MEMIF_DISCONNECT:
		field(w, &msg->u.disconnect.code, 4);
		text(w, msg->u.disconnect.why, EP_MEMIF_WHY);
		return NULL;
	}
	return "Unknown message type";
}

int
ep_memif_msg_decode(const uint8_t *octets, size_t len, struct ep_memif_msg *msg,
    const char **why)
{
	struct walk w = { .from = octets };
	uint16_t type;

	memset(msg, 0, sizeof(*msg));
	if (len != EP_MEMIF_MSG_LEN) {
		*why = "Invalid message size";
		return -EPROTO;
	}
	field(&w, &type, 2);
	if (type < EP_MEMIF_ACK || type > EP_MEMIF_DISCONNECT) {
		*why = "Unknown message type";
		return -EPROTO;
	}
	msg->type = (enum ep_memif_type)type;
	*why = walk_body(&w, msg);
	return *why == NULL ? 0 : -EPROTO;
}

void
ep_memif_msg_encode(
    const struct ep_memif_msg *msg, uint8_t octets[EP_MEMIF_MSG_LEN])
{
	struct ep_memif_msg copy = *msg;
	struct walk w = { .at = octets };
	uint16_t type = (uint16_t)msg->type;

	memset(octets, 0, EP_MEMIF_MSG_LEN);
	field(&w, &type, 2);
	(void)walk_body(&w, &copy);
}
