/* SPDX-License-Identifier: BSD-2-Clause */
#include "attach/memif/memif.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "base/atomic.h"
#include "base/clock.h"

#define RECONNECT_NS EP_NS_PER_S
#define LOG2_MIN     4u
#define BUFFER_MIN   128u
#define BUFFER_MAX   (64u << 10)
/* Octets that a slot takes besides: a short buffer, descriptor, ring. */
#define SLOT_EXTRA (EP_MEMIF_SHORT + 17u)

static const struct ep_stack_ops memif_ops;

static struct ep_memif *
memif_of(struct ep_stack *st)
{
	return (struct ep_memif *)(void *)st;
}

/* ring=10 and ring=1024 are the same. Returns 0 if it is neither. */
static uint8_t
log2_of(uint32_t ring)
{
	if (ring >= LOG2_MIN && ring <= EP_MEMIF_LOG2_MAX)
		return (uint8_t)ring;
	for (unsigned log2 = LOG2_MIN; log2 <= EP_MEMIF_LOG2_MAX; log2++)
		if (ring == 1u << log2)
			return (uint8_t)log2;
	return 0;
}

static int
memif_check(const void *arg, struct epair_err *err)
{
	const struct ep_memif_conf *conf = arg;
	uint64_t rings = 2 * (uint64_t)(conf->queues > 0 ? conf->queues : 1);
	uint8_t log2 = log2_of(conf->ring);
	struct ep_socket_addr addr;

	if (conf->secret != NULL && strlen(conf->secret) > EP_MEMIF_SECRET)
		return ep_fail(err, -EINVAL,
		    "secret= is %zu octets long; the protocol has room for %u",
		    strlen(conf->secret), EP_MEMIF_SECRET);
	if (log2 == 0)
		return ep_fail(err, -EINVAL,
		    "ring=%u is no power of 2 from 16 to 16384, nor its "
		    "logarithm, 4 to 14",
		    conf->ring);
	if (conf->role == EP_MEMIF_SERVER && conf->reconnect_ns != 0)
		return ep_fail(err, -EINVAL,
		    "reconnect= is for role=client; a server waits");
	if (conf->role == EP_MEMIF_SERVER && conf->trust != 0)
		return ep_fail(err, -EINVAL,
		    "trust=yes is for role=client: a server reads memory that "
		    "is not its own");
	if (rings * ((conf->buffer + SLOT_EXTRA) << log2) >
	    EP_MEMIF_TOTAL_MAX / 2)
		return ep_fail(err, -EINVAL,
		    "queues=, ring= and buffer= make more than 2 GiB");
	return ep_socket_path(&addr, "path", conf->path, err);
}

static void
memif_release(struct ep_stack *st)
{
	struct ep_memif *memif = memif_of(st);

	ep_conn_stop(&memif->conn);
	ep_memif_io_end(memif, false);
	if (memif->conn.fd >= 0)
		ep_memif_send_disconnect(memif->conn.fd, "detached");
	ep_conn_fini(&memif->conn);
	ep_memif_tear_down(memif);
	ep_bell_fini(&memif->bell);
	for (unsigned i = 0; i < memif->queue_count; i++)
		ep_mutex_fini(&memif->queues[i].lock);
	free(memif);
}

static void
init_queue(struct ep_memif *memif, unsigned i) EP_NO_TSA
{
	struct ep_worker *worker = ep_ifnet_worker(memif->st.ifp, i);
	struct ep_memif_queue *q = &memif->queues[i];

	q->memif = memif;
	q->rx_fd = q->tx_fd = q->lender_fd = -1;
	ep_mutex_init(&q->lock);
	ep_watch_init(&q->watch, worker, ep_memif_rx_ready);
	ep_task_init(&q->task, worker, ep_memif_rx_task);
	ep_timer_init(&q->look, worker, ep_memif_rx_look);
}

static void
init_conn(struct ep_memif *memif, const struct ep_memif_conf *conf)
{
	struct ep_conn *conn = &memif->conn;

	conn->is_client = conf->role == EP_MEMIF_CLIENT;
	conn->socktype = SOCK_SEQPACKET;
	conn->events = EPOLLIN;
	conn->reconnect_ns = conf->reconnect_ns != 0 ? conf->reconnect_ns
						     : RECONNECT_NS;
	ep_conn_init(conn, &ep_memif_conn_ops, &memif->st);
}

static struct ep_memif *
make(struct epair_if *ifp, const struct ep_memif_conf *conf)
{
	unsigned queues = conf->queues > 0 ? conf->queues : ifp->nrxqs;
	struct ep_memif *memif;

	if (queues > EP_MEMIF_QUEUES_MAX)
		queues = EP_MEMIF_QUEUES_MAX;
	memif = calloc(1, sizeof(*memif) + queues * sizeof(memif->queues[0]));
	if (memif == NULL)
		return NULL;
	memif->st.ops = &memif_ops;
	memif->st.ifp = ifp;
	memif->st.accepts = 0; /* the rings have no room for metadata */
	memif->st.is_away = true;
	memif->is_polling = conf->mode == 1;
	memif->is_trusting = conf->trust == 1;
	memif->id = conf->id;
	if (conf->secret != NULL)
		memcpy(memif->secret, conf->secret, strlen(conf->secret));
	memif->log2 = log2_of(conf->ring);
	memif->buffer = (uint32_t)conf->buffer;
	memif->share.may_guard = ifp->ep->opts.guard_sigbus;
	ep_bell_init(&memif->bell);
	memif->memfd = -1;
	init_conn(memif, conf);
	memif->queue_count = queues;
	for (unsigned i = 0; i < queues; i++)
		init_queue(memif, i);
	return memif;
}

static int
memif_create_with(struct epair_if *ifp, const void *arg,
    const struct ep_fds *with, struct ep_stack **st, struct epair_err *err)
{
	const struct ep_memif_conf *conf = arg;
	struct ep_memif *memif = make(ifp, conf);
	struct ep_conn *conn;
	int error;

	if (memif == NULL)
		return ep_fail(err, -ENOMEM, "no memory for a memif");
	conn = &memif->conn;
	error = ep_socket_path(&conn->addr, "path", conf->path, err);
	if (error == 0 && with != NULL)
		error = ep_conn_take(conn, AF_UNIX, with, err);
	else if (error == 0 && !conn->is_client)
		error = ep_conn_listen(conn, err);
	if (error != 0) {
		memif_release(&memif->st);
		return error;
	}
	*st = &memif->st;
	return 0;
}

static int
memif_create(struct epair_if *ifp, const void *conf, struct ep_stack **st,
    struct epair_err *err)
{
	return memif_create_with(ifp, conf, NULL, st, err);
}

static int
memif_opens(const void *arg, const char **names, struct epair_err *err)
{
	const struct ep_memif_conf *conf = arg;

	(void)err;
	return ep_conn_opens(
	    conf->role == EP_MEMIF_CLIENT, SOCK_SEQPACKET, names);
}

static int
memif_open(struct epair_if *ifp, const void *arg, struct ep_fds_out *out,
    struct epair_err *err)
{
	const struct ep_memif_conf *conf = arg;
	const char *names[EPAIR_ATTACH_NEEDS_MAX];
	struct ep_socket_addr addr;
	int error = ep_socket_path(&addr, "path", conf->path, err);

	(void)ifp;
	if (error != 0)
		return error;
	(void)memif_opens(conf, names, err);
	return ep_socket_open(&addr, SOCK_SEQPACKET, names[0], out, err);
}

static int
memif_get_fds(struct ep_stack *st, struct epair_fd *fds, unsigned max)
{
	struct ep_fds_out out = { .fds = fds, .max = max };

	ep_conn_give(&memif_of(st)->conn, &out);
	return ep_fds_end(&out);
}

static void
memif_start(struct ep_stack *st)
{
	ep_conn_start(&memif_of(st)->conn);
}

static void
memif_progress(struct ep_stack *st, struct epair_progress *progress)
{
	const struct ep_memif *memif = memif_of(st);

	for (unsigned i = 0; i < memif->queue_count; i++)
		progress->sent += ep_load_relaxed(&memif->queues[i].sent);
}

static const struct ep_stack_ops memif_ops = {
	.kind = "memif",
	.start = memif_start,
	.receive = ep_memif_receive,
	.changed = ep_memif_changed,
	.release = memif_release,
	.progress = memif_progress,
	.get_fds = memif_get_fds,
};

static const char *const memif_roles[] = { "client", "server", NULL };
static const char *const memif_modes[] = { "interrupt", "poll", NULL };
static const char *const memif_trust[] = { "no", "yes", NULL };

#define AT(field) offsetof(struct ep_memif_conf, field)
static const struct ep_opt memif_opts[] = {
	{ "path", "PATH", EP_OPT_TEXT, AT(path), .required = true },
	{ "id", "N", EP_OPT_U32, AT(id) },
	{ "role", "client|server", EP_OPT_CHOICE, AT(role),
	    .choices = memif_roles },
	{ "secret", "TEXT", EP_OPT_TEXT, AT(secret) },
	{ "queues", "N", EP_OPT_U32, AT(queues), .min = 1,
	    .max = EP_MEMIF_QUEUES_MAX },
	{ "ring", "N", EP_OPT_U32, AT(ring) },
	{ "buffer", "N", EP_OPT_SIZE, AT(buffer), .min = BUFFER_MIN,
	    .max = BUFFER_MAX },
	{ "mode", "interrupt|poll", EP_OPT_CHOICE, AT(mode),
	    .choices = memif_modes },
	{ "trust", "no|yes", EP_OPT_CHOICE, AT(trust), .choices = memif_trust },
	{ "reconnect", "TIME", EP_OPT_TIME, AT(reconnect_ns),
	    .min = EP_NS_PER_MS, .max = 3600 * EP_NS_PER_S },
	{ NULL },
};

static const char *const memif_keys[] = { "path=PATH", "id=N",
	"role=client|server", "secret=TEXT", "queues=N", "ring=N", "buffer=N",
	"mode=interrupt|poll", "trust=no|yes", "reconnect=TIME", NULL };

static const char *const memif_fds[] = { EP_SOCKET_LISTEN, EP_SOCKET_PEER,
	NULL };

static const struct ep_memif_conf memif_default = {
	.ring = 1024,
	.buffer = 2048,
};

const struct ep_kind ep_kind_memif = {
	.pub = {
		.name = "memif",
		.sentence = "another process, by memif: DPDK, VPP, libmemif or "
			    "an epair",
		.keys = memif_keys,
		.sim = 0,
		.fds = memif_fds,
	},
	.opts = memif_opts,
	.conf_size = sizeof(struct ep_memif_conf),
	.conf_default = &memif_default,
	.check = memif_check,
	.create = memif_create,
	.create_with = memif_create_with,
	.opens = memif_opens,
	.open = memif_open,
};
