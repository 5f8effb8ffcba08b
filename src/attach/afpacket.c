/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Short frames come by a mapped ring (attach/rxring.h), for which there is no
 * call, and are copied out of it. Long ones are received: the kernel copies them
 * once either way, and out of a ring it would be twice. Lent from a ring with
 * slots for them, they would cost the sender more than they save us. The blocks
 * of TPACKET_V3 wait for a timer if they are not full.
 */
#include "attach/afpacket.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/filter.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "attach/socket.h"
#include "attach/vector.h"
#include "attach/virtio.h"
#include "base/atomic.h"
#include "pair/pair.h"

/* Newer than Debian 12's headers. */
#ifndef PACKET_IGNORE_OUTGOING
#define PACKET_IGNORE_OUTGOING 23
#endif

/* Without num_buffers: the kernel has no more room for it before 6.4. */
#define HDR_LEN (EP_VIRTIO_HDR_LEN - 2u)

/* Frames read for one wake, and with one call. */
#define READ_MAX  64u
#define BATCH_MIN 2u
#define BATCH_MAX EP_READER_MAX

/* Opening. */

static int
set(int fd, int level, int name, int value)
{
	return setsockopt(fd, level, name, &value, sizeof(value)) == 0 ? 0
								       : -errno;
}

/* Nothing comes in until all is ready: it would come twice, or wrong. */
static int
shut(int fd)
{
	struct sock_filter nothing = BPF_STMT(BPF_RET | BPF_K, 0);
	struct sock_fprog prog = { 1, &nothing };

	return setsockopt(
		   fd, SOL_SOCKET, SO_ATTACH_FILTER, &prog, sizeof(prog)) == 0
		   ? 0
		   : -errno;
}

/*
 * The ring that whoever made the socket gave it, or one of ours, if the socket
 * is; without one, everything is received.
 */
static int
take_ring(struct ep_afpacket *lane, bool is_shared)
{
	if (!is_shared && (ep_rxring_map(&lane->ring, lane->fd) == 0 ||
			      (ep_rxring_make(lane->fd) == 0 &&
				  ep_rxring_map(&lane->ring, lane->fd) == 0)))
		return 0;
	return set(lane->fd, SOL_PACKET, PACKET_VNET_HDR, 1);
}

static int
set_options(struct ep_afpacket *lane, const struct ep_afpacket_conf *conf)
{
	struct packet_mreq mreq = { .mr_ifindex = (int)conf->ifindex,
		.mr_type = PACKET_MR_PROMISC };
	int error = shut(lane->fd);

	if (error == 0)
		error = set(lane->fd, SOL_PACKET, PACKET_IGNORE_OUTGOING, 1);
	if (error == 0)
		error = set(lane->fd, SOL_PACKET, PACKET_AUXDATA, 1);
	if (error == 0)
		error = take_ring(lane, conf->is_shared);
	lane->hdr_len = HDR_LEN;
	lane->batch = BATCH_MIN;
	if (error == 0 && conf->is_promisc &&
	    setsockopt(lane->fd, SOL_PACKET, PACKET_ADD_MEMBERSHIP, &mreq,
		sizeof(mreq)) != 0)
		error = -errno;
	return error;
}

/* Lanes of one device share its flows, by the kernel's hash of them. */
static int
join(struct ep_afpacket *lanes, unsigned i)
{
	int how = (PACKET_FANOUT_HASH | PACKET_FANOUT_FLAG_ROLLOVER) << 16;
	socklen_t len = sizeof(int);
	int error, id = 0;

	if (i == 0)
		how |= PACKET_FANOUT_FLAG_UNIQUEID << 16;
	else if (getsockopt(
		     lanes[0].fd, SOL_PACKET, PACKET_FANOUT, &id, &len) != 0)
		return -errno;
	error = set(
	    lanes[i].fd, SOL_PACKET, PACKET_FANOUT, how | (id & 0xffff));
	/* One that was handed over may have joined them before. */
	return error == -EALREADY ? 0 : error;
}

static int
bind_to(int fd, uint32_t ifindex)
{
	struct sockaddr_ll ll = { .sll_family = AF_PACKET,
		.sll_protocol = htons(ETH_P_ALL),
		.sll_ifindex = (int)ifindex };

	if (bind(fd, (const struct sockaddr *)&ll, sizeof(ll)) == 0)
		return 0;
	return -errno;
}

/* A kernel before 6.2 does not know UDP segmentation in virtio's header. */
static bool
kernel_knows_uso(void)
{
	unsigned long major, minor = 0;
	struct utsname u;
	char *rest;

	if (uname(&u) != 0)
		return false;
	major = strtoul(u.release, &rest, 10);
	if (*rest == '.')
		minor = strtoul(rest + 1, NULL, 10);
	return major > 6 || (major == 6 && minor >= 2);
}

int
ep_afpacket_open(struct ep_afpacket *lanes, unsigned count,
    const struct ep_afpacket_conf *conf, uint32_t *caps, struct epair_err *err)
{
	int error = 0;

	for (unsigned i = 0; i < count && error == 0; i++) {
		error = set_options(&lanes[i], conf);
		if (error == 0)
			error = bind_to(lanes[i].fd, conf->ifindex);
		if (error == 0 && count > 1)
			error = join(lanes, i);
	}
	/* One lane may wait for it; they are told apart when it is up. */
	if (error == -EINVAL && count > 1)
		return ep_fail(err, -ENETDOWN,
		    "a device that is down can have one queue only");
	for (unsigned i = 0; i < count && error == 0; i++)
		error = set(lanes[i].fd, SOL_SOCKET, SO_DETACH_FILTER, 0);
	if (error != 0)
		return ep_fail_sys(
		    err, error, "cannot have the frames of the device");
	*caps = 0;
	if (conf->is_offloading)
		*caps = EPAIR_CAP_CSUM | EPAIR_CAP_TSO |
			(kernel_knows_uso() ? EPAIR_CAP_USO : 0);
	return 0;
}

void
ep_afpacket_close(struct ep_afpacket *lane)
{
	ep_rxring_close(&lane->ring);
	if (lane->fd >= 0)
		(void)close(lane->fd);
	lane->fd = -1;
}

/* Receiving. */

/* What stands beside each frame. */
#define CONTROL_LEN CMSG_SPACE(sizeof(struct tpacket_auxdata))

struct wake {
	struct ep_reader r;
	struct mmsghdr msgs[EP_READER_MAX];
	_Alignas(struct cmsghdr) char controls[EP_READER_MAX][CONTROL_LEN];
	struct epair_mbuf *ms[READ_MAX];
	unsigned n;
};

/* The tag that the kernel took out: tpid and tci, or 0. */
static uint32_t
vlan_of(struct msghdr *msg)
{
	struct tpacket_auxdata aux;
	struct cmsghdr *cmsg = CMSG_FIRSTHDR(msg);

	if (cmsg == NULL || cmsg->cmsg_level != SOL_PACKET ||
	    cmsg->cmsg_type != PACKET_AUXDATA)
		return 0;
	memcpy(&aux, CMSG_DATA(cmsg), sizeof(aux));
	return ep_rxring_tag(aux.tp_status, aux.tp_vlan_tpid, aux.tp_vlan_tci);
}

static void
take(struct wake *w, unsigned i)
{
	if (ep_reader_take(&w->r, i, w->msgs[i].msg_len,
		vlan_of(&w->msgs[i].msg_hdr), &w->ms[w->n]))
		w->n++;
}

/* With no mbuf to be had: a frame is received all the same, and counted. */
static int
receive_and_drop(struct ep_afpacket *lane, struct epair_if *ifp)
{
	uint8_t start[HDR_LEN + 1];

	if (recv(lane->fd, start, sizeof(start), MSG_DONTWAIT) < 0 &&
	    errno != EINVAL)
		return -errno;
	ep_drop_count(ifp, 1, EPAIR_DROP_TX_NO_MBUF);
	return 1;
}

/* Returns how many were received, or why none was. */
static int
receive_batch(struct ep_afpacket *lane, struct wake *w, unsigned want)
{
	int n;

	want = ep_reader_room(&w->r, want);
	if (want == 0)
		return receive_and_drop(lane, w->r.ifp);
	for (unsigned i = 0; i < want; i++)
		w->msgs[i].msg_hdr = (struct msghdr){
			.msg_iov = w->r.iov[i],
			.msg_iovlen = EP_READER_PIECES,
			.msg_control = w->controls[i],
			.msg_controllen = CONTROL_LEN,
		};
	n = recvmmsg(lane->fd, w->msgs, want, MSG_DONTWAIT, NULL);
	/* The kernel drops what its header cannot say, of a kind unknown to us. */
	if (n < 0 && errno == EINVAL) {
		ep_drop_count(w->r.ifp, 1, EPAIR_DROP_TX_BAD);
		return 1;
	}
	if (n < 0)
		return -errno;
	for (unsigned i = 0; i < (unsigned)n; i++)
		take(w, i);
	ep_reader_settle(&w->r);
	return n;
}

static unsigned
smaller(unsigned a, unsigned b)
{
	return a < b ? a : b;
}

/*
 * A batch is as large as what came for the wake before, and doubles while it is
 * filled. Returns 0, or why there was no more.
 */
static int
receive_all(struct ep_afpacket *lane, struct wake *w)
{
	unsigned came = 0, batch = lane->batch;
	int n = 0;

	while (came < READ_MAX) {
		unsigned want = smaller(batch, READ_MAX - came);

		n = receive_batch(lane, w, want);
		if (n < 0)
			break;
		came += (unsigned)n;
		if ((unsigned)n < want)
			break;
		batch = smaller(2 * batch, BATCH_MAX);
	}
	lane->batch = came < BATCH_MIN ? BATCH_MIN : smaller(came, BATCH_MAX);
	return n < 0 ? n : 0;
}

/* The ring. */

/* What the head is; gives how many from there on are the same, at most *n. */
static enum ep_rxslot_state
look(const struct ep_rxring *ring, struct ep_rxslot *slots, unsigned *n)
{
	enum ep_rxslot_state state = ep_rxring_peek(ring, 0, &slots[0]);
	unsigned count = 1;

	while (state != EP_RXSLOT_EMPTY && count < *n &&
	       ep_rxring_peek(ring, count, &slots[count]) == state)
		count++;
	*n = count;
	return state;
}

/* A frame that is in its slot, into m. */
static void
take_slot(struct wake *w, const struct ep_rxslot *slot, struct epair_mbuf *m)
{
	struct virtio_net_hdr_v1 hdr = { 0 };

	if (slot->len < EP_ETHER_HDR_LEN) {
		(void)ep_drop(w->r.ifp, &m, 1, EPAIR_DROP_TX_BAD, 0);
		return;
	}
	memcpy(&hdr, slot->frame - HDR_LEN, HDR_LEN);
	memcpy(m->data, slot->frame, slot->len);
	m->len = m->pktlen = slot->len;
	if (ep_reader_finish(w->r.ifp, m, &hdr, slot->vlan))
		w->ms[w->n++] = m;
}

/* Returns how many were read. One for which there is no mbuf is counted. */
static int
take_slots(struct wake *w, const struct ep_rxslot *slots, unsigned want)
{
	struct epair_mbuf *ms[BATCH_MAX];
	int n = ep_mbuf_alloc(w->r.ifp->ep->pool, ms, want, EPAIR_MBUF_SMALL);

	if (n <= 0) {
		ep_drop_count(w->r.ifp, 1, EPAIR_DROP_TX_NO_MBUF);
		return 1;
	}
	for (unsigned i = 0; i < (unsigned)n; i++)
		take_slot(w, &slots[i], ms[i]);
	return n;
}

/*
 * Read a few that are alike. Returns how many; 0: there are none; or why what
 * is there was not read.
 */
static int
read_some(struct ep_afpacket *lane, struct wake *w, unsigned max)
{
	struct ep_rxslot slots[BATCH_MAX];
	unsigned count = smaller(max, BATCH_MAX);
	int n = 0;

	switch (look(&lane->ring, slots, &count)) {
	case EP_RXSLOT_EMPTY:
		return 0;
	case EP_RXSLOT_HERE:
		n = take_slots(w, slots, count);
		break;
	case EP_RXSLOT_QUEUED:
		n = receive_batch(lane, w, count);
		break;
	case EP_RXSLOT_LOST:
		ep_drop_count(w->r.ifp, count, EPAIR_DROP_PACKET_RING);
		n = (int)count;
		break;
	}
	if (n > 0)
		ep_rxring_release(&lane->ring, (unsigned)n);
	return n;
}

static int
read_ring(struct ep_afpacket *lane, struct wake *w)
{
	unsigned came = 0;
	int n;

	do {
		n = read_some(lane, w, READ_MAX - came);
		came += n > 0 ? (unsigned)n : 0;
	} while (n > 0 && came < READ_MAX);
	/* Nothing came: the device may have gone down. */
	if (came == 0 && n == 0)
		return ep_socket_error(lane->fd);
	return n < 0 ? n : 0;
}

int
ep_afpacket_read(struct ep_afpacket *lane, struct epair_if *ifp)
{
	struct wake w;
	int error;

	w.n = 0;
	ep_reader_init(&w.r, ifp, lane->hdr_len, &lane->headers);
	error = ep_rxring_is_open(&lane->ring) ? read_ring(lane, &w)
					       : receive_all(lane, &w);
	ep_reader_fini(&w.r);
	if (w.n > 0) {
		ep_count_add(&lane->sent, w.n);
		(void)ep_pair_transmit(ifp, w.ms, w.n);
	}
	return error != -EAGAIN && error != -EINTR ? error : 0;
}

/* Writing. */

static enum epair_drop
reason_of(int error)
{
	switch (error) {
	case -ENETDOWN:
	case -ENXIO:
	case -ENODEV:
		return EPAIR_DROP_RX_STACK_DOWN;
	case -EAGAIN:
	case -ENOBUFS:
	case -ENOMEM:
		return EPAIR_DROP_RX_STACK_FULL;
	default:
		return EPAIR_DROP_RX_STACK_ERROR;
	}
}

/* Send all of them; each that is refused is dropped, and those behind tried. */
static void
send_all(struct ep_afpacket *lane, struct epair_if *ifp, struct mmsghdr *msgs,
    struct epair_mbuf **ms, unsigned n)
{
	unsigned done = 0;

	while (done < n) {
		int sent = sendmmsg(
		    lane->fd, msgs + done, n - done, MSG_DONTWAIT);
		int error = errno;

		if (sent > 0) {
			ep_mbuf_free(ms + done, (unsigned)sent);
			done += (unsigned)sent;
		} else if (error != EINTR) {
			/* There is no more room for the others either. */
			unsigned bad = error == EAGAIN ? n - done : 1;

			(void)ep_drop(
			    ifp, ms + done, bad, reason_of(-error), 0);
			done += bad;
		}
	}
}

/* Returns how many were written; 0: the first is in too many pieces. */
static unsigned
write_batch(struct ep_afpacket *lane, struct epair_if *ifp,
    struct epair_mbuf **ms, unsigned n)
{
	struct mmsghdr msgs[EP_WRITER_MAX];
	struct ep_writer w;
	unsigned count = 0, pieces;

	ep_writer_init(&w);
	for (; count < n; count++) {
		struct iovec *iov = ep_writer_put(
		    &w, lane->hdr_len, ms[count], &pieces);

		if (iov == NULL)
			break;
		msgs[count].msg_hdr = (struct msghdr){ .msg_iov = iov,
			.msg_iovlen = pieces };
	}
	send_all(lane, ifp, msgs, ms, count);
	return count;
}

void
ep_afpacket_write(struct ep_afpacket *lane, struct epair_if *ifp,
    struct epair_mbuf **ms, unsigned n)
{
	while (n > 0) {
		unsigned done = write_batch(lane, ifp, ms, n);
		int error;

		if (done == 0) {
			error = ep_writer_flatten(ifp->ep->pool, &ms[0]);
			if (error != 0)
				(void)ep_drop(ifp, ms, 1, reason_of(error), 0);
			done = error != 0;
		}
		ms += done;
		n -= done;
	}
}

void
ep_afpacket_count_lost(struct ep_afpacket *lane, struct epair_if *ifp)
{
	struct tpacket_stats stats;
	socklen_t len = sizeof(stats);

	/* Asking sets it to 0, so two who ask count nothing twice. */
	if (getsockopt(lane->fd, SOL_PACKET, PACKET_STATISTICS, &stats, &len) ==
		0 &&
	    stats.tp_drops > 0)
		ep_drop_count(ifp, stats.tp_drops, EPAIR_DROP_PACKET_RING);
}
