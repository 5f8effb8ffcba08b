/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ctl/keep_protocol.h - what a daemon and its keeper say to each other.
 *
 * A SOCK_SEQPACKET socket in the state folder, which is its user's alone. One
 * datagram of fixed size each way; descriptors go along by SCM_RIGHTS, in the
 * order of their names.
 *
 *	asked		answered by
 *	PUT + fds	OK
 *	DROP		OK, also if there is no such token
 *	FETCH		a HAVE + fds for each token, then OK
 *	END		OK, and the keeper ends
 *
 * BAD answers what is none of these. An answer has the token of what was asked,
 * by which one that comes late is known. The keeper looks at nothing but tokens and
 * counts; names and descriptors are for whoever fetches them.
 */
#ifndef EP_CTL_KEEP_PROTOCOL_H
#define EP_CTL_KEEP_PROTOCOL_H

#include <stdint.h>

#include "ctl/keep.h"

#define CTL_KEEPER_VERSION  2u
#define CTL_KEEPER_FD       3 /* the listening socket, in the keeper */
#define CTL_KEEPER_SOCKET   "keeper" /* its name in the folder */
#define CTL_KEEPER_TOKEN    24u
#define CTL_KEEPER_NAME_MAX 8u

enum ctl_keeper_op {
	CTL_KEEPER_PUT = 1,
	CTL_KEEPER_DROP,
	CTL_KEEPER_FETCH,
	CTL_KEEPER_END,
	CTL_KEEPER_OK,
	CTL_KEEPER_HAVE,
	CTL_KEEPER_BAD,
};

struct ctl_keeper_message {
	uint32_t version;
	uint32_t op; /* enum ctl_keeper_op */
	uint32_t count; /* PUT, HAVE: descriptors that go along */
	char token[CTL_KEEPER_TOKEN]; /* PUT, DROP, HAVE */
	char names[CTL_KEEP_FDS_MAX][CTL_KEEPER_NAME_MAX];
};

#endif /* EP_CTL_KEEP_PROTOCOL_H */
