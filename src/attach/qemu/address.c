/* SPDX-License-Identifier: BSD-2-Clause */
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "attach/qemu/qemu.h"

#define HOST_MAX 256

int
ep_qemu_socktype(enum ep_qemu_type type)
{
	switch (type) {
	case EP_QEMU_DGRAM:
		return SOCK_DGRAM;
	case EP_QEMU_SEQPACKET:
		return SOCK_SEQPACKET;
	default:
		return SOCK_STREAM;
	}
}

/* Take HOST:PORT or [HOST]:PORT apart. Returns whether it is that. */
static bool
split(const char *text, bool is_passive, char host[HOST_MAX], const char **port)
{
	const char *colon = strrchr(text, ':');
	size_t len;
	long number;

	if (colon == NULL)
		return false;
	*port = colon + 1;
	if ((*port)[strspn(*port, "0123456789")] != '\0' || strlen(*port) > 5)
		return false;
	number = strtol(*port, NULL, 10);
	if (number < 1 || number > UINT16_MAX)
		return false;
	len = (size_t)(colon - text);
	if (len >= 2 && text[0] == '[' && text[len - 1] == ']') {
		text++;
		len -= 2;
	} else if (memchr(text, ':', len) != NULL) {
		return false; /* an IPv6 address, or half of one */
	}
	if (len >= HOST_MAX || (len == 0 && !is_passive))
		return false;
	memcpy(host, text, len);
	host[len] = '\0';
	return true;
}

static int
no_tcp(const char *text, struct epair_err *err)
{
	return ep_fail(err, -EINVAL,
	    "tcp=%.64s is no HOST:PORT; an IPv6 address stands in brackets",
	    text);
}

int
ep_qemu_check_tcp(const char *text, bool is_passive, struct epair_err *err)
{
	char host[HOST_MAX];
	const char *port;

	return split(text, is_passive, host, &port) ? 0 : no_tcp(text, err);
}

int
ep_qemu_addr_tcp(struct ep_socket_addr *addrs, unsigned max, const char *text,
    bool is_passive, struct epair_err *err)
{
	struct addrinfo *found, hints = {
		.ai_family = AF_UNSPEC,
		.ai_socktype = SOCK_STREAM,
		.ai_flags = AI_NUMERICSERV | (is_passive ? AI_PASSIVE : 0),
	};
	char host[HOST_MAX];
	const char *port;
	int error, count = 0;

	if (!split(text, is_passive, host, &port))
		return no_tcp(text, err);
	error = getaddrinfo(*host != '\0' ? host : NULL, port, &hints, &found);
	if (error != 0)
		return ep_fail(err, error == EAI_MEMORY ? -ENOMEM : -ENOENT,
		    "tcp=%.64s: %s", text, gai_strerror(error));
	for (const struct addrinfo *ai = found;
	     ai != NULL && (unsigned)count < max; ai = ai->ai_next, count++) {
		struct ep_socket_addr *addr = &addrs[count];

		memset(addr, 0, sizeof(*addr));
		memcpy(&addr->u, ai->ai_addr, ai->ai_addrlen);
		addr->len = ai->ai_addrlen;
		(void)snprintf(addr->text, sizeof(addr->text), "%s", text);
	}
	freeaddrinfo(found);
	return count;
}
