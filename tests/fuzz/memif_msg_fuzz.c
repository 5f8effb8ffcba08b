/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Any octets are refused with a sentence, or become a message that says the same
 * when it is encoded and decoded again (M2), and whose texts are fit to be
 * printed (M1).
 */
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "attach/memif/message.h"
#include "base/assert.h"

int LLVMFuzzerTestOneInput(const uint8_t *in, size_t n);

static void
check_text(const char *text, size_t size)
{
	EP_ASSERT(memchr(text, '\0', size) != NULL);
	for (; *text != '\0'; text++)
		EP_ASSERT(*text >= ' ' && *text <= '~');
}

static void
check_texts(const struct ep_memif_msg *msg)
{
	switch (msg->type) {
	case EP_MEMIF_HELLO:
		check_text(msg->u.hello.name, sizeof(msg->u.hello.name));
		break;
	case EP_MEMIF_INIT:
		check_text(msg->u.init.name, sizeof(msg->u.init.name));
		break;
	case EP_MEMIF_CONNECT:
	case EP_MEMIF_CONNECTED:
		check_text(msg->u.if_name, sizeof(msg->u.if_name));
		break;
	case EP_MEMIF_DISCONNECT:
		check_text(
		    msg->u.disconnect.why, sizeof(msg->u.disconnect.why));
		break;
	default:
		break;
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *in, size_t n)
{
	uint8_t octets[EP_MEMIF_MSG_LEN];
	struct ep_memif_msg msg, back;
	const char *why = NULL;

	if (ep_memif_msg_decode(in, n, &msg, &why) != 0) {
		EP_ASSERT(why != NULL && strlen(why) <= EP_MEMIF_WHY);
		return 0;
	}
	check_texts(&msg);
	ep_memif_msg_encode(&msg, octets);
	EP_ASSERT(
	    ep_memif_msg_decode(octets, sizeof(octets), &back, &why) == 0);
	EP_ASSERT(memcmp(&msg, &back, sizeof(msg)) == 0);
	return 0;
}
