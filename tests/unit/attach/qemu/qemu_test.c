/* SPDX-License-Identifier: BSD-2-Clause */
#include <arpa/inet.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "attach/qemu/qemu.h"
#include "wire.h"

static uint8_t buf[70000];

/* Transmit at b a frame that can be told by its last octets. */
static void
send_numbered(struct wire *w, uint32_t len, uint32_t number)
{
	struct epair_mbuf *m = frame(w->ep, len);

	memcpy(m->data + len - sizeof(number), &number, sizeof(number));
	assert_int_equal(transmit(w->b, m), 0);
}

static uint32_t
number_of(const uint8_t *octets, uint32_t len)
{
	uint32_t number;

	memcpy(&number, octets + len - sizeof(number), sizeof(number));
	return number;
}

static uint64_t
drops(struct epair_if *ifp, enum epair_drop reason)
{
	return stats(ifp).drops[reason];
}

static void
frames_pass_both_ways(void **state)
{
	struct wire *w = *state;
	int listener = peer_listen(w->path, SOCK_STREAM), fd;

	attach(w, "qemu:path=%s", w->path);
	fd = peer_accept(w, listener);
	AWAIT(w, has_said(w, "connected to"));
	peer_send(fd, 60, 'x', 1);
	peer_send(fd, 1514, 'y', 1);
	AWAIT(w, w->at_b.count == 2);
	assert_int_equal(w->at_b.ms[0]->pktlen, 60);
	assert_int_equal(w->at_b.ms[1]->pktlen, 1514);
	assert_int_equal(w->at_b.ms[1]->data[1513], 'y');

	send_numbered(w, 100, 1);
	send_numbered(w, 1514, 2);
	assert_int_equal(peer_read_frame(w, fd, buf, sizeof(buf)), 100);
	assert_int_equal(number_of(buf, 100), 1);
	assert_int_equal(peer_read_frame(w, fd, buf, sizeof(buf)), 1514);
	assert_int_equal(number_of(buf, 1514), 2);
	close(fd);
	close(listener);
}

static void
largest_frames_pass_both_ways(void **state)
{
	struct wire *w = *state;
	int listener = peer_listen(w->path, SOCK_STREAM), fd;

	assert_int_equal(epair_if_set_mtu(w->a, 65535, NULL), 0);
	assert_int_equal(epair_if_set_mtu(w->b, 65535, NULL), 0);
	attach(w, "qemu:path=%s", w->path);
	fd = peer_accept(w, listener);
	AWAIT(w, has_said(w, "connected to"));
	for (uint32_t i = 0; i < 4; i++) {
		peer_send(fd, 65549, 'z', 1);
		AWAIT(w, w->at_b.count == i + 1);
		assert_int_equal(w->at_b.ms[i]->pktlen, 65549);
		send_numbered(w, 65549, i);
		assert_int_equal(
		    peer_read_frame(w, fd, buf, sizeof(buf)), 65549);
		assert_int_equal(number_of(buf, 65549), i);
	}
	close(fd);
	close(listener);
}

static void
client_connects_again_when_its_peer_is_back(void **state)
{
	struct wire *w = *state;
	int listener, fd;

	attach(w, "qemu:path=%s,reconnect=5ms", w->path);
	AWAIT(w, has_said(w, "ENOENT; trying again"));
	for (int i = 0; i < 3; i++) {
		listener = peer_listen(w->path, SOCK_STREAM);
		fd = peer_accept(w, listener);
		AWAIT(w, has_said(w, "connected to"));
		close(listener);
		/* Half a frame, which is nobody's any more. */
		assert_int_equal(send(fd, "\0\0\0\100abc", 7, 0), 7);
		close(fd);
		AWAIT(w, has_said(w, "ECONNREFUSED; trying again"));
	}
	listener = peer_listen(w->path, SOCK_STREAM);
	fd = peer_accept(w, listener);
	peer_send(fd, 60, 'x', 1);
	AWAIT(w, w->at_b.count == 1);
	assert_int_equal(w->at_b.ms[0]->data[0], 'x');
	close(fd);
	close(listener);
}

static void
without_a_peer_frames_are_dropped_as_down(void **state)
{
	struct wire *w = *state;

	attach(w, "qemu:path=%s,mode=server", w->path);
	for (uint32_t i = 0; i < 10; i++)
		send_numbered(w, 60, i);
	AWAIT(w, drops(w->a, EPAIR_DROP_RX_STACK_DOWN) == 10);
}

static void
server_takes_one_client_at_a_time(void **state)
{
	struct wire *w = *state;
	int first, second;

	attach(w, "qemu:path=%s,mode=server", w->path);
	first = peer_connect(w->path, SOCK_STREAM);
	AWAIT(w, w->events == 1);
	assert_true(has_said(w, "client connected"));
	second = peer_connect(w->path, SOCK_STREAM);
	peer_send(second, 60, '2', 1);
	peer_send(first, 60, '1', 1);
	AWAIT(w, w->at_b.count == 1);
	assert_int_equal(w->at_b.ms[0]->data[0], '1');
	/* What it said while it waited is heard in its turn. */
	close(first);
	AWAIT(w, w->at_b.count == 2);
	assert_int_equal(w->at_b.ms[1]->data[0], '2');
	assert_int_equal(w->events, 3);
	close(second);
}

static void
last_words_of_a_peer_arrive(void **state)
{
	struct wire *w = *state;
	int fd;

	attach(w, "qemu:path=%s,mode=server", w->path);
	fd = peer_connect(w->path, SOCK_STREAM);
	AWAIT(w, has_said(w, "client connected"));
	for (int i = 0; i < 50; i++)
		peer_send(fd, 1000, 'w', 1);
	/* The first that notices is the one who writes. */
	close(fd);
	send_numbered(w, 60, 0);
	AWAIT(w, has_said(w, "peer closed"));
	AWAIT(w, w->at_b.count == 50);
}

/* More than a few reads bring. */
static void
last_words_arrive_however_many(void **state)
{
	struct wire *w = *state;
	int fd, most = 1 << 30;
	uint64_t sent = 0;

	attach(w, "qemu:type=seqpacket,path=%s,mode=server", w->path);
	fd = peer_connect(w->path, SOCK_SEQPACKET);
	AWAIT(w, has_said(w, "client connected"));
	assert_int_equal(
	    setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &most, sizeof(most)), 0);
	while (sent < 2000 && send(fd, buf, 60, MSG_NOSIGNAL) == 60)
		sent++;
	close(fd);
	send_numbered(w, 60, 0);
	AWAIT(w, has_said(w, "peer closed"));
	assert_int_equal(stats(w->b).ipackets, sent);
}

static void
server_removes_its_path(void **state)
{
	struct wire *w = *state;
	struct stat st;

	attach(w, "qemu:path=%s,mode=server", w->path);
	assert_int_equal(stat(w->path, &st), 0);
	assert_int_equal(epair_detach(w->a, NULL), 0);
	assert_int_equal(stat(w->path, &st), -1);
}

static void
server_leaves_a_path_that_became_anothers(void **state)
{
	struct wire *w = *state;
	struct stat st;
	int fd;

	attach(w, "qemu:path=%s,mode=server", w->path);
	fd = peer_listen(w->path, SOCK_STREAM);
	assert_int_equal(epair_detach(w->a, NULL), 0);
	assert_int_equal(stat(w->path, &st), 0);
	close(fd);
}

static void
dead_socket_is_in_nobodys_way(void **state)
{
	struct wire *w = *state;

	close(peer_listen(w->path, SOCK_STREAM));
	attach(w, "qemu:path=%s,mode=server", w->path);
	close(peer_connect(w->path, SOCK_STREAM));
	AWAIT(w, w->events == 2);
}

static void
living_socket_and_file_are_left_alone(void **state)
{
	struct wire *w = *state;
	struct epair_err err;
	int fd = peer_listen(w->path, SOCK_STREAM);

	assert_int_equal(
	    attach_error(w, &err, "qemu:mode=server,path=%s", w->path),
	    -EADDRINUSE);
	assert_non_null(strstr(err.text, "somebody listens at"));
	assert_int_equal(
	    attach_error(
		w, &err, "qemu:mode=server,type=seqpacket,path=%s", w->path),
	    -EADDRINUSE);
	close(fd);

	fd = open(w->other, O_CREAT | O_WRONLY, 0600);
	close(fd);
	assert_int_equal(
	    attach_error(w, &err, "qemu:mode=server,path=%s", w->other),
	    -EEXIST);
	assert_non_null(strstr(err.text, "is no socket"));
	assert_int_equal(access(w->other, F_OK), 0);
}

static void
path_that_is_too_long_is_refused(void **state)
{
	struct wire *w = *state;
	struct epair_err err;
	char path[109];

	memset(path, 'p', sizeof(path));
	path[108] = '\0';
	assert_int_equal(
	    attach_error(w, &err, "qemu:path=%s", path), -ENAMETOOLONG);
	assert_string_equal(
	    err.text, "path= is 108 octets long; a socket's path can be 107");
}

static void
nonsense_is_refused_with_what_would_be_right(void **state)
{
	static const struct {
		const char *spec, *words;
	} wrong[] = {
		{ "qemu", "one of path=PATH and tcp=HOST:PORT" },
		{ "qemu:path=/x,tcp=a:1", "one of path=PATH and" },
		{ "qemu:path=@", "path= takes a path" },
		{ "qemu:tcp=localhost", "is no HOST:PORT" },
		{ "qemu:tcp=:1", "is no HOST:PORT" },
		{ "qemu:tcp=a:0", "is no HOST:PORT" },
		{ "qemu:tcp=a:65536", "is no HOST:PORT" },
		{ "qemu:tcp=::1:5", "stands in brackets" },
		{ "qemu:type=dgram,path=/x", "and remote=" },
		{ "qemu:type=dgram,path=/x,remote=/y,mode=client", "mode=" },
		{ "qemu:type=seqpacket,tcp=a:1", "TCP knows no packets" },
		{ "qemu:path=/x,remote=/y", "remote= is for type=dgram" },
		{ "qemu:path=/x,mode=server,reconnect=1s", "a server waits" },
		{ "qemu:path=/x,reconnect=0s", "reconnect" },
	};
	struct wire *w = *state;
	struct epair_err err;

	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		assert_int_equal(
		    epair_attach(w->a, wrong[i].spec, &err), -EINVAL);
		if (strstr(err.text, wrong[i].words) == NULL)
			fail_msg("%s: %s", wrong[i].spec, err.text);
	}
}

/*
 * What it does not read waits up to a bound, and what does not fit is counted;
 * what was taken in arrives whole and in order.
 */
static void
slow_reader_loses_only_what_was_counted(void **state)
{
	const uint32_t n = 4000;
	struct wire *w = *state;
	uint32_t next = 0, lost;
	int fd;

	attach(w, "qemu:path=%s,mode=server", w->path);
	fd = peer_connect(w->path, SOCK_STREAM);
	AWAIT(w, has_said(w, "client connected"));
	for (uint32_t i = 0; i < n; i++) {
		send_numbered(w, 1000, i);
		if (i % 100 == 0)
			wire_turn(w);
	}
	AWAIT(w, stats(w->a).delivered == n);
	lost = (uint32_t)drops(w->a, EPAIR_DROP_RX_STACK_FULL);
	assert_in_range(lost, 1, n - 1);
	assert_in_range(usage(w->ep).mbufs, 1, 1024);
	for (uint32_t i = 0; i < n - lost; i++) {
		assert_int_equal(
		    peer_read_frame(w, fd, buf, sizeof(buf)), 1000);
		assert_int_equal(number_of(buf, 1000), next++);
	}
	AWAIT(w, usage(w->ep).mbufs == 0);
	send_numbered(w, 60, 7);
	assert_int_equal(peer_read_frame(w, fd, buf, sizeof(buf)), 60);
	close(fd);
}

static void
what_waits_for_a_peer_that_goes_is_dropped_as_down(void **state)
{
	struct wire *w = *state;
	uint64_t waiting;
	int fd;

	attach(w, "qemu:path=%s,mode=server", w->path);
	fd = peer_connect(w->path, SOCK_STREAM);
	AWAIT(w, has_said(w, "client connected"));
	for (uint32_t i = 0; i < 600; i++)
		send_numbered(w, 1500, i);
	AWAIT(w, stats(w->a).delivered == 600);
	waiting = usage(w->ep).mbufs;
	assert_true(waiting > 0);
	close(fd);
	AWAIT(w, has_said(w, "peer closed"));
	assert_int_equal(drops(w->a, EPAIR_DROP_RX_STACK_DOWN), waiting);
	assert_int_equal(usage(w->ep).mbufs, 0);
}

static void
short_frames_are_counted_and_skipped(void **state)
{
	struct wire *w = *state;
	int fd;

	attach(w, "qemu:path=%s,mode=server", w->path);
	fd = peer_connect(w->path, SOCK_STREAM);
	peer_send(fd, 0, 0, 1);
	peer_send(fd, 13, 's', 1);
	peer_send(fd, 14, 'x', 1);
	AWAIT(w, w->at_b.count == 1);
	assert_int_equal(w->at_b.ms[0]->pktlen, 14);
	assert_int_equal(drops(w->a, EPAIR_DROP_TX_BAD), 2);
	close(fd);
}

static void
length_beyond_the_largest_closes_with_a_reason(void **state)
{
	struct wire *w = *state;
	uint32_t head = htonl(69633);
	int fd;

	attach(w, "qemu:path=%s,mode=server", w->path);
	fd = peer_connect(w->path, SOCK_STREAM);
	peer_send(fd, 60, 'x', 1);
	assert_int_equal(send(fd, &head, 4, 0), 4);
	AWAIT(w, has_said(w, "announced a frame of more than 69632 octets"));
	assert_int_equal(w->at_b.count, 1);
	AWAIT(w, recv(fd, buf, 1, 0) == 0);
	close(fd);
	/* And who comes next is welcome. */
	fd = peer_connect(w->path, SOCK_STREAM);
	peer_send(fd, 60, 'y', 1);
	AWAIT(w, w->at_b.count == 2);
	close(fd);
}

static void
datagrams_pass_both_ways_whoever_was_there_first(void **state)
{
	struct wire *w = *state;
	ssize_t n;
	int fd;

	attach(w, "qemu:type=dgram,path=%s,remote=%s,reconnect=5ms", w->path,
	    w->other);
	AWAIT(w, has_said(w, "ENOENT; trying again"));
	for (uint32_t i = 0; i < 3; i++) {
		int to = peer_connect(w->path, SOCK_DGRAM);

		fd = peer_bind(w->other);
		AWAIT(w, has_said(w, "connected to"));
		send_numbered(w, 1514, i);
		AWAIT(w, (n = recv(fd, buf, sizeof(buf), 0)) > 0);
		assert_int_equal(n, 1514);
		assert_int_equal(number_of(buf, 1514), i);
		peer_send(to, 200, 'd', 0);
		peer_send(to, 0, 0, 0);
		AWAIT(w, w->at_b.count == i + 1);
		close(to);
		close(fd);
		/* It is missed by who writes to it. */
		send_numbered(w, 60, 0);
		AWAIT(w, has_said(w, "ECONNREFUSED; trying again"));
	}
	assert_int_equal(drops(w->a, EPAIR_DROP_TX_BAD), 3);
}

static void
datagrams_wait_for_a_slow_reader(void **state)
{
	const uint32_t n = 500;
	struct wire *w = *state;
	ssize_t got;
	int fd = peer_bind(w->other);

	attach(w, "qemu:type=dgram,path=%s,remote=%s", w->path, w->other);
	AWAIT(w, has_said(w, "connected to"));
	for (uint32_t i = 0; i < n; i++)
		send_numbered(w, 1000, i);
	AWAIT(w, stats(w->a).delivered == n);
	for (uint32_t i = 0; i < n; i++) {
		AWAIT(w, (got = recv(fd, buf, sizeof(buf), 0)) > 0);
		assert_int_equal(number_of(buf, 1000), i);
	}
	assert_int_equal(drops(w->a, EPAIR_DROP_RX_STACK_FULL), 0);
	close(fd);
}

static void
packets_pass_both_ways(void **state)
{
	struct wire *w = *state;
	ssize_t n;
	int fd;

	attach(w, "qemu:type=seqpacket,mode=server,path=%s", w->path);
	for (uint32_t i = 0; i < 3; i++) {
		fd = peer_connect(w->path, SOCK_SEQPACKET);
		AWAIT(w, has_said(w, "client connected"));
		for (int k = 0; k < 40; k++)
			peer_send(fd, 60, 'p', 0);
		AWAIT(w, w->at_b.count == 40 * (i + 1));
		send_numbered(w, 1514, i);
		AWAIT(w, (n = recv(fd, buf, sizeof(buf), 0)) > 0);
		assert_int_equal(n, 1514);
		assert_int_equal(number_of(buf, 1514), i);
		close(fd);
		AWAIT(w, has_said(w, "peer closed"));
	}
}

static void
empty_and_long_packets_are_counted_and_end_nothing(void **state)
{
	struct wire *w = *state;
	int fd;

	attach(w, "qemu:type=seqpacket,mode=server,path=%s", w->path);
	fd = peer_connect(w->path, SOCK_SEQPACKET);
	peer_send(fd, 0, 0, 0);
	peer_send(fd, 13, 's', 0);
	peer_send(fd, 69633, 'l', 0);
	peer_send(fd, 60, 'x', 0);
	AWAIT(w, w->at_b.count == 1);
	assert_int_equal(drops(w->a, EPAIR_DROP_TX_BAD), 3);
	assert_int_equal(w->events, 1);
	close(fd);
}

/* Which is read as the end of a connection is. */
static void
frames_behind_an_empty_packet_come_though_the_peer_has_closed(void **state)
{
	struct wire *w = *state;
	int fd;

	attach(w, "qemu:type=seqpacket,mode=server,path=%s", w->path);
	fd = peer_connect(w->path, SOCK_SEQPACKET);
	AWAIT(w, has_said(w, "client connected"));
	/* One among others, and more of them than are read with one call. */
	peer_send(fd, 60, 'x', 0);
	peer_send(fd, 0, 0, 0);
	peer_send(fd, 61, 'x', 0);
	for (int i = 0; i < 100; i++)
		peer_send(fd, 0, 0, 0);
	peer_send(fd, 62, 'x', 0);
	close(fd);
	AWAIT(w, has_said(w, "peer closed"));
	AWAIT(w, w->at_b.count == 3);
	assert_int_equal(w->at_b.ms[2]->pktlen, 62);
	assert_int_equal(drops(w->a, EPAIR_DROP_TX_BAD), 101);
}

/* Told of a packet only, we read of the end, too. */
static void
peer_that_closes_while_it_is_read_sent_no_empty_packet(void **state)
{
	struct wire *w = *state;
	struct ep_qemu *q;
	int fd;

	attach(w, "qemu:type=seqpacket,mode=server,path=%s", w->path);
	fd = peer_connect(w->path, SOCK_SEQPACKET);
	AWAIT(w, has_said(w, "client connected"));
	peer_send(fd, 60, 'x', 0);
	close(fd);
	q = (struct ep_qemu *)(void *)w->a->stack;
	q->conn.ops->ready(&q->conn, EPOLLIN);
	AWAIT(w, has_said(w, "peer closed"));
	AWAIT(w, w->at_b.count == 1);
	assert_int_equal(drops(w->a, EPAIR_DROP_TX_BAD), 0);
}

/* That it did not is an error, which comes ahead of what it sent. */
static void
packets_of_a_peer_that_closes_before_it_has_read_all_arrive(void **state)
{
	struct wire *w = *state;
	int fd;

	attach(w, "qemu:type=seqpacket,mode=server,path=%s", w->path);
	fd = peer_connect(w->path, SOCK_SEQPACKET);
	AWAIT(w, has_said(w, "client connected"));
	send_numbered(w, 60, 0);
	AWAIT(w, recv(fd, buf, sizeof(buf), MSG_PEEK) > 0);
	for (int i = 0; i < 40; i++)
		peer_send(fd, 60, 'l', 0);
	close(fd);
	AWAIT(w, has_said(w, "peer closed"));
	AWAIT(w, w->at_b.count == 40);
	assert_int_equal(drops(w->a, EPAIR_DROP_TX_BAD), 0);
}

/* A chain of more pieces than a call takes. */
static void
frame_in_many_pieces_is_one_packet(void **state)
{
	struct wire *w = *state;
	struct epair_mbuf *m = frame(w->ep, 14);
	ssize_t n;
	int fd;

	for (int i = 0; i < 300; i++)
		epair_mbuf_chain(m, frame(w->ep, 4));
	attach(w, "qemu:type=seqpacket,mode=server,path=%s", w->path);
	fd = peer_connect(w->path, SOCK_SEQPACKET);
	AWAIT(w, has_said(w, "client connected"));
	assert_int_equal(transmit(w->b, m), 0);
	AWAIT(w, (n = recv(fd, buf, sizeof(buf), 0)) > 0);
	assert_int_equal(n, 14 + 300 * 4);
	close(fd);
}

/* It is readable for ever, and is not looked at for ever. */
static void
shut_down(struct wire *w, const char *spec, const struct epair_fd *fds,
    unsigned count)
{
	assert_int_equal(epair_attach_fds(w->a, spec, fds, count, NULL), 0);
	for (int i = 0; i < 10; i++)
		wire_turn(w);
	assert_int_equal(shutdown(fds[0].fd, SHUT_RD), 0);
	AWAIT(w, w->a->stack == NULL);
	while (count > 0)
		close(fds[--count].fd);
}

static void
handed_socket_that_is_shut_down_is_lost(void **state)
{
	struct wire *w = *state;
	int there = peer_bind(w->other);
	struct epair_fd fds[] = {
		{ "listen", peer_listen(w->path, SOCK_STREAM) },
		{ "peer", peer_connect(w->other, SOCK_DGRAM) },
	};

	shut_down(w, "qemu:mode=server,path=@here", fds, 1);
	fds[0].fd = peer_bind(w->path);
	shut_down(w, "qemu:type=dgram,path=@here,remote=@there", fds, 2);
	close(there);
}

static void
abstract_paths_work(void **state)
{
	struct wire *w = *state;
	struct epair_err err;

	attach(w, "qemu:mode=server,path=@%s", w->path);
	assert_int_equal(access(w->path, F_OK), -1);
	/* The other end of the pair, for once. */
	assert_int_equal(epair_detach(w->b, NULL), 0);
	(void)snprintf((char *)buf, sizeof(buf), "qemu:path=@%s", w->path);
	assert_int_equal(epair_attach(w->b, (char *)buf, &err), 0);
	AWAIT(w, w->events == 2);
	assert_int_equal(epair_detach(w->b, NULL), 0);
	keep(w->b, &w->at_b);
}

/* A TCP port of the loopback that is free, or was a moment ago. */
static int
tcp_listen(uint16_t *port)
{
	struct sockaddr_in sin = { .sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(sin);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);

	assert_int_equal(bind(fd, (struct sockaddr *)&sin, len), 0);
	assert_int_equal(listen(fd, 1), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&sin, &len), 0);
	*port = ntohs(sin.sin_port);
	return fd;
}

static void
client_connects_by_tcp(void **state)
{
	struct wire *w = *state;
	uint16_t port;
	int listener = tcp_listen(&port), fd;

	attach(w, "qemu:tcp=127.0.0.1:%u,reconnect=5ms", port);
	fd = peer_accept(w, listener);
	peer_send(fd, 60, 'x', 1);
	AWAIT(w, w->at_b.count == 1);
	send_numbered(w, 60, 3);
	assert_int_equal(peer_read_frame(w, fd, buf, sizeof(buf)), 60);
	close(listener);
	close(fd);
	AWAIT(w, has_said(w, "ECONNREFUSED; trying again"));
}

/* localhost is two addresses, and somebody listens at one of them. */
static void
client_tries_all_addresses_of_a_name(void **state)
{
	struct wire *w = *state;
	uint16_t port;
	int listener = tcp_listen(&port), fd;

	attach(w, "qemu:tcp=localhost:%u", port);
	fd = peer_accept(w, listener);
	AWAIT(w, has_said(w, "connected to localhost"));
	assert_int_equal(w->events, 1);
	close(listener);
	close(fd);
}

static void
server_accepts_by_tcp(void **state)
{
	struct sockaddr_in sin = { .sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	struct wire *w = *state;
	uint16_t port;
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	close(tcp_listen(&port));
	sin.sin_port = htons(port);
	attach(w, "qemu:mode=server,tcp=127.0.0.1:%u", port);
	assert_int_equal(connect(fd, (struct sockaddr *)&sin, sizeof(sin)), 0);
	peer_send(fd, 1514, 'x', 1);
	AWAIT(w, w->at_b.count == 1);
	send_numbered(w, 60, 4);
	assert_int_equal(peer_read_frame(w, fd, buf, sizeof(buf)), 60);
	close(fd);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		WIRE_TEST(frames_pass_both_ways),
		WIRE_TEST(largest_frames_pass_both_ways),
		WIRE_TEST(client_connects_again_when_its_peer_is_back),
		WIRE_TEST(without_a_peer_frames_are_dropped_as_down),
		WIRE_TEST(server_takes_one_client_at_a_time),
		WIRE_TEST(last_words_of_a_peer_arrive),
		WIRE_TEST(last_words_arrive_however_many),
		WIRE_TEST(server_removes_its_path),
		WIRE_TEST(server_leaves_a_path_that_became_anothers),
		WIRE_TEST(dead_socket_is_in_nobodys_way),
		WIRE_TEST(living_socket_and_file_are_left_alone),
		WIRE_TEST(path_that_is_too_long_is_refused),
		WIRE_TEST(nonsense_is_refused_with_what_would_be_right),
		WIRE_TEST(slow_reader_loses_only_what_was_counted),
		WIRE_TEST(what_waits_for_a_peer_that_goes_is_dropped_as_down),
		WIRE_TEST(short_frames_are_counted_and_skipped),
		WIRE_TEST(length_beyond_the_largest_closes_with_a_reason),
		WIRE_TEST(datagrams_pass_both_ways_whoever_was_there_first),
		WIRE_TEST(datagrams_wait_for_a_slow_reader),
		WIRE_TEST(packets_pass_both_ways),
		WIRE_TEST(empty_and_long_packets_are_counted_and_end_nothing),
		WIRE_TEST(
		    frames_behind_an_empty_packet_come_though_the_peer_has_closed),
		WIRE_TEST(
		    peer_that_closes_while_it_is_read_sent_no_empty_packet),
		WIRE_TEST(
		    packets_of_a_peer_that_closes_before_it_has_read_all_arrive),
		WIRE_TEST(frame_in_many_pieces_is_one_packet),
		WIRE_TEST(handed_socket_that_is_shut_down_is_lost),
		WIRE_TEST(abstract_paths_work),
		WIRE_TEST(client_connects_by_tcp),
		WIRE_TEST(client_tries_all_addresses_of_a_name),
		WIRE_TEST(server_accepts_by_tcp),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
