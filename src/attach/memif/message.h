/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * attach/memif/message.h - the words of memif's control channel, version 2.
 *
 * Each message is a packet of 128 octets: its type, then a packed body in the
 * order of the host, then zeros. Nothing here knows sockets: octets become a
 * struct whose every field is within what the protocol allows, or are refused
 * with the sentence that the peer is told.
 *
 *	type         sent by  carries
 *	ACK          server
 *	HELLO        server   what it takes; the first message
 *	INIT         client   who it is and whom it wants
 *	ADD_REGION   client   memory; a memfd with it
 *	ADD_RING     client   a ring in a region; an eventfd with it
 *	CONNECT      client   all is said
 *	CONNECTED    server   frames may pass
 *	DISCONNECT   both     why; the connection ends
 *
 * A client is what others call slave, a server master.
 *
 * Invariants:
 *	M1  a text of a decoded message ends with a NUL and is printable ASCII
 *	M2  what decode gives, encode and decode give again
 */
#ifndef EP_ATTACH_MEMIF_MESSAGE_H
#define EP_ATTACH_MEMIF_MESSAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define EP_MEMIF_MSG_LEN  128u
#define EP_MEMIF_VERSION  0x200u
#define EP_MEMIF_LOG2_MAX 14u
#define EP_MEMIF_SECRET   24u
#define EP_MEMIF_NAME     32u
#define EP_MEMIF_WHY      96u
#define EP_MEMIF_MODE_ETH 0u
#define EP_MEMIF_RING_S2M 1u /* the client transmits on it */

enum ep_memif_type {
	EP_MEMIF_ACK = 1,
	EP_MEMIF_HELLO,
	EP_MEMIF_INIT,
	EP_MEMIF_ADD_REGION,
	EP_MEMIF_ADD_RING,
	EP_MEMIF_CONNECT,
	EP_MEMIF_CONNECTED,
	EP_MEMIF_DISCONNECT,
};

/* The max_* are the largest index, not a count. */
struct ep_memif_hello {
	char name[EP_MEMIF_NAME + 1];
	uint16_t min_version, max_version;
	uint16_t max_region, max_m2s_ring, max_s2m_ring;
	uint8_t max_log2;
};

struct ep_memif_init {
	uint16_t version;
	uint32_t id;
	uint8_t mode;
	uint8_t secret[EP_MEMIF_SECRET]; /* octets, padded with zeros */
	char name[EP_MEMIF_NAME + 1];
};

struct ep_memif_add_region {
	uint16_t index;
	uint64_t size; /* not 0 */
};

struct ep_memif_add_ring {
	bool is_s2m;
	uint16_t index, region;
	uint32_t offset; /* a multiple of 8 */
	uint8_t log2; /* at most EP_MEMIF_LOG2_MAX */
};

struct ep_memif_msg {
	enum ep_memif_type type;
	union {
		struct ep_memif_hello hello;
		struct ep_memif_init init;
		struct ep_memif_add_region add_region;
		struct ep_memif_add_ring add_ring;
		char if_name[EP_MEMIF_NAME + 1]; /* CONNECT, CONNECTED */
		struct {
			uint32_t code;
			char why[EP_MEMIF_WHY + 1];
		} disconnect;
	} u;
};

/*
 * Octets to a message. On -EPROTO *why is a constant sentence of what is wrong,
 * fit for a DISCONNECT.
 */
int ep_memif_msg_decode(const uint8_t *octets, size_t len,
    struct ep_memif_msg *msg, const char **why);

/* A message to its octets. Texts are cut off where they end on the wire. */
void ep_memif_msg_encode(
    const struct ep_memif_msg *msg, uint8_t octets[EP_MEMIF_MSG_LEN]);

#endif /* EP_ATTACH_MEMIF_MESSAGE_H */
