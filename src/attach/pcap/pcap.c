/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * attach/pcap/pcap.c - files: replayed in, recorded out.
 *
 * What this end receives goes to write=, or is swallowed. What is read= is
 * transmitted by one task, on the worker of the interface's first bucket, a
 * burst a run. What makes it go on:
 *
 *	waits for	and is woken by
 *	start		pcap_start()
 *	UP		pcap_changed()
 *	the other end	the timer, every millisecond, before the first frame:
 *	to be UP	a cable is not torn at by a file that was early
 *	a frame's time	the timer
 *	room there	the timer, at full pace
 *	its turn	itself
 *
 * A frame that the file has cut off is transmitted as far as it is there. One
 * that is none - too short for an Ethernet header, longer than any MTU allows,
 * of another link type - is counted as EPAIR_DROP_TX_BAD. Records by which an
 * epair capture tells of drops are passed over: their frames are there once
 * already.
 *
 * A file that turns out to be malformed ends the replay: an ATTACHMENT event
 * says where, and what was read until then has been transmitted.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "attach/attach.h"
#include "attach/pcap/input.h"
#include "attach/pcap/output.h"
#include "attach/pcap/pace.h"
#include "base/atomic.h"
#include "base/container.h"
#include "mbuf/mbuf.h"

#define BURST_MAX 64u
#define FULL_NS   (50 * EP_NS_PER_US)
#define POLL_NS   EP_NS_PER_MS
#define NEVER     UINT64_MAX
#define FRAME_MAX (EP_MTU_MAX + EP_ETHER_HDR_LEN + EP_ETHER_VLAN_LEN)

struct pcap_conf {
	const char *read, *write, *pace;
	unsigned dir; /* enum ep_reader_dir */
	uint64_t count; /* frames to be transmitted; 0: all */
	uint64_t loop; /* how often; 0: for ever */
};

struct pcap {
	struct ep_stack st;
	bool has_input, has_output; /* constant */
	uint64_t count; /* constant */
	struct ep_task task;
	struct ep_timer timer;
	bool started; /* atomic */
	bool stopping; /* atomic */
	bool is_done; /* atomic: by the task only, once started */
	uint64_t sent; /* atomic: by the task only */
	uint32_t has_failed; /* atomic: it was told that writing failed */
	struct ep_output output;
	/* The task's own. */
	struct ep_input input;
	struct ep_pace pace;
	uint64_t rewinds; /* that the pace knows of */
};

/* Life. */

static const struct ep_stack_ops pcap_ops;

static void pcap_run(struct ep_task *task);
static void pcap_fire(struct ep_timer *timer);

static struct pcap *
pcap_of(struct ep_stack *st)
{
	return (struct pcap *)(void *)st;
}

static int
open_files(struct pcap *pcap, const struct pcap_conf *conf,
    const struct ep_fds *with, struct epair_err *err)
{
	int error = 0;

	if (conf->read != NULL)
		error = ep_input_open(&pcap->input, conf->read,
		    ep_fds_find(with, "read", 0), conf->loop, conf->dir, err);
	if (error != 0)
		return error;
	pcap->has_input = conf->read != NULL;
	if (conf->write != NULL)
		error = ep_output_open(&pcap->output, conf->write,
		    ep_fds_find(with, "write", 0),
		    pcap->has_input ? pcap->input.fd : -1, pcap->st.ifp, err);
	if (error != 0 && pcap->has_input)
		ep_input_close(&pcap->input);
	pcap->has_output = error == 0 && conf->write != NULL;
	return error;
}

static int
pcap_create_with(struct epair_if *ifp, const void *confp,
    const struct ep_fds *with, struct ep_stack **st, struct epair_err *err)
{
	const struct pcap_conf *conf = confp;
	struct pcap *pcap = calloc(1, sizeof(*pcap));
	int error;

	if (pcap == NULL)
		return ep_fail(err, -ENOMEM, "no memory for a pcap");
	pcap->st.ops = &pcap_ops;
	pcap->st.ifp = ifp;
	pcap->count = conf->count;
	ep_task_init(&pcap->task, ep_ifnet_worker(ifp, 0), pcap_run);
	ep_timer_init(&pcap->timer, ep_ifnet_worker(ifp, 0), pcap_fire);
	error = ep_pace_init(&pcap->pace, conf->pace, err);
	if (error == 0)
		error = open_files(pcap, conf, with, err);
	if (error != 0) {
		free(pcap);
		return error;
	}
	pcap->is_done = !pcap->has_input;
	*st = &pcap->st;
	return 0;
}

static int
pcap_create(struct epair_if *ifp, const void *confp, struct ep_stack **st,
    struct epair_err *err)
{
	return pcap_create_with(ifp, confp, NULL, st, err);
}

static int
pcap_get_fds(struct ep_stack *st, struct epair_fd *fds, unsigned max)
{
	const struct pcap *pcap = pcap_of(st);
	struct ep_fds_out out = { .fds = fds, .max = max };

	if (pcap->has_input)
		ep_fds_give(&out, "read", pcap->input.fd);
	if (pcap->has_output)
		ep_fds_give(&out, "write", pcap->output.fd);
	return ep_fds_end(&out);
}

static void
pcap_release(struct ep_stack *st)
{
	struct pcap *pcap = pcap_of(st);

	/*
	 * The task arms the timer and the timer schedules the task, neither
	 * once it sees this.
	 */
	ep_store_release(&pcap->stopping, true);
	(void)ep_timer_drain(&pcap->timer);
	(void)ep_task_drain(&pcap->task);
	(void)ep_timer_drain(&pcap->timer);
	if (pcap->has_input)
		ep_input_close(&pcap->input);
	if (pcap->has_output)
		ep_output_close(
		    &pcap->output, ep_sched_now(st->ifp->ep->sched));
	free(pcap);
}

static void
pcap_start(struct ep_stack *st)
{
	/* acquired by pcap_run() */
	ep_store_release(&pcap_of(st)->started, true);
	(void)ep_task_schedule(&pcap_of(st)->task);
}

static void
pcap_changed(struct ep_stack *st, uint32_t what)
{
	if ((what & (EPAIR_CHANGED_FLAGS | EPAIR_CHANGED_WRITABLE)) != 0)
		(void)ep_task_schedule(&pcap_of(st)->task);
}

/* Recording. */

static void
pcap_receive(
    struct ep_stack *st, struct epair_mbuf **ms, unsigned n, unsigned queue)
{
	struct pcap *pcap = pcap_of(st);
	unsigned done = n;
	char why[128];
	int error;

	if (pcap->has_output) {
		error = ep_output_put(&pcap->output, ms, n, queue,
		    ep_sched_now(st->ifp->ep->sched), &done);
		if (error != 0 && ep_swap_acq_rel(&pcap->has_failed, 1) == 0) {
			(void)snprintf(why, sizeof(why), "%s: cannot write %s",
			    epair_err_name(error), pcap->output.path);
			ep_attach_event(st, why);
		}
	}
	ep_mbuf_free(ms, done);
	(void)ep_drop(
	    st->ifp, ms + done, n - done, EPAIR_DROP_RX_STACK_ERROR, 0);
}

/* Replaying. */

static void
pcap_fire(struct ep_timer *timer)
{
	struct pcap *pcap = EP_CONTAINER_OF(timer, struct pcap, timer);

	/* acquires what pcap_release() released */
	if (!ep_load_acquire(&pcap->stopping))
		(void)ep_task_schedule(&pcap->task);
}

/* One frame of the file, or NULL, counted. */
static struct epair_mbuf *
make_frame(struct pcap *pcap, const struct ep_reader_packet *packet)
{
	struct epair_if *ifp = pcap->st.ifp;
	struct epair_mbuf *m = NULL;

	if (!packet->is_ethernet || packet->caplen < EP_ETHER_HDR_LEN ||
	    packet->caplen > FRAME_MAX) {
		ep_drop_count(ifp, 1, EPAIR_DROP_TX_BAD);
		return NULL;
	}
	m = ep_mbuf_from(ifp->ep->pool, packet->data, packet->caplen);
	if (m == NULL)
		ep_drop_count(ifp, 1, EPAIR_DROP_TX_NO_MBUF);
	return m;
}

/* The end of the file, for good or bad. Returns NEVER. */
static uint64_t
finish(struct pcap *pcap, int error, const struct epair_err *why)
{
	ep_store_relaxed(&pcap->is_done, true);
	if (error != 0)
		ep_attach_event(&pcap->st, why->text);
	return NEVER;
}

/*
 * Gather up to max frames that are due. Returns when to go on; 0 is in its
 * turn.
 */
static uint64_t
gather(struct pcap *pcap, uint64_t now, struct epair_mbuf **ms, unsigned max,
    unsigned *n)
{
	uint64_t sent = ep_load_relaxed(&pcap->sent), due;
	const struct ep_reader_packet *packet;
	struct epair_err why;
	int got;

	for (unsigned turn = 0; turn < max; turn++) {
		if (pcap->count != 0 && sent + *n == pcap->count)
			return finish(pcap, 0, NULL);
		got = ep_input_peek(&pcap->input, &packet, &why);
		if (got == -EAGAIN)
			return 0;
		if (got <= 0)
			return finish(pcap, got, &why);
		if (pcap->input.rewinds != pcap->rewinds) {
			pcap->rewinds = pcap->input.rewinds;
			ep_pace_rewind(&pcap->pace);
		}
		due = ep_pace_due(&pcap->pace, packet->time_ns, now);
		if (due > now)
			return due;
		ms[*n] = make_frame(pcap, packet);
		if (ms[*n] != NULL)
			(*n)++;
		ep_pace_sent(&pcap->pace, packet->time_ns, due);
		ep_input_take(&pcap->input);
	}
	return 0;
}

/*
 * How many frames to send at once. Full pace is no faster than the other end
 * takes them: then it is what each of its queues has room for.
 */
static unsigned
burst_max(const struct pcap *pcap)
{
	const struct epair_if *oifp = pcap->st.ifp->oifp;
	uint32_t max = BURST_MAX, count, limit;

	if (pcap->pace.kind != EP_PACE_FULL)
		return max;
	for (unsigned i = 0; i < oifp->nrxqs; i++) {
		count = ep_queue_count(&oifp->rxqs[i].q);
		limit = ep_load_relaxed(&oifp->rxqs[i].q.limit);
		if (count >= limit)
			return 0;
		if (limit - count < max)
			max = limit - count;
	}
	return max;
}

/* Transmit what is due. Returns when to go on, as gather(). */
static uint64_t
work(struct pcap *pcap)
{
	struct epair_if *ifp = pcap->st.ifp;
	uint64_t now = ep_sched_mono(ifp->ep->sched), until;
	struct epair_mbuf *ms[BURST_MAX];
	unsigned n = 0, max = burst_max(pcap);

	if (!pcap->pace.has_due && !ep_ifnet_is_up(ifp->oifp))
		return now + POLL_NS;
	if (max == 0)
		return now + FULL_NS;
	if (!ep_pair_may_send(ifp))
		return NEVER; /* pcap_changed() schedules */
	until = gather(pcap, now, ms, max, &n);
	if (n > 0) {
		ep_count_add(&pcap->sent, n);
		(void)ep_pair_transmit(ifp, ms, n);
	}
	return until;
}

static void
pcap_run(struct ep_task *task)
{
	struct pcap *pcap = EP_CONTAINER_OF(task, struct pcap, task);
	uint64_t until;

	/* acquires what pcap_start() and pcap_release() released */
	if (!ep_load_acquire(&pcap->started) ||
	    ep_load_acquire(&pcap->stopping) ||
	    ep_load_relaxed(&pcap->is_done) || !ep_ifnet_is_up(pcap->st.ifp))
		return;
	until = work(pcap);
	if (until == NEVER)
		return;
	if (until == 0 || ep_timer_arm(&pcap->timer, until) != 0)
		(void)ep_task_schedule(task);
}

static void
pcap_progress(struct ep_stack *st, struct epair_progress *progress)
{
	progress->sent = ep_load_relaxed(&pcap_of(st)->sent);
	progress->done = ep_load_relaxed(&pcap_of(st)->is_done);
}

static const struct ep_stack_ops pcap_ops = {
	.kind = "pcap",
	.start = pcap_start,
	.receive = pcap_receive,
	.changed = pcap_changed,
	.release = pcap_release,
	.progress = pcap_progress,
	.get_fds = pcap_get_fds,
};

/* Options. */

static int
pcap_check(const void *confp, struct epair_err *err)
{
	const struct pcap_conf *conf = confp;
	struct ep_pace pace;

	if (conf->read == NULL && conf->write == NULL)
		return ep_fail(
		    err, -EINVAL, "pcap: needs read=FILE, write=FILE, or both");
	if (conf->read == NULL &&
	    (conf->pace != NULL || conf->dir != EP_READER_DIR_NONE ||
		conf->count != 0 || conf->loop != 1))
		return ep_fail(err, -EINVAL,
		    "pcap: pace, dir, count and loop need read=FILE");
	return ep_pace_init(&pace, conf->pace, err);
}

static int
pcap_opens(const void *confp, const char **names, struct epair_err *err)
{
	const struct pcap_conf *conf = confp;
	int n = 0;

	(void)err;
	if (conf->read != NULL)
		names[n++] = "read";
	if (conf->write != NULL)
		names[n++] = "write";
	return n;
}

static const struct pcap_conf pcap_default = { .loop = 1 };

/* In the order of enum ep_reader_dir. */
static const char *const dirs[] = { "both", "in", "out", NULL };

#define AT(field) offsetof(struct pcap_conf, field)
static const struct ep_opt pcap_opts[] = {
	{ "read", "FILE", EP_OPT_TEXT, AT(read) },
	{ "write", "FILE", EP_OPT_TEXT, AT(write) },
	{ "pace", "recorded|full|N|TIME", EP_OPT_TEXT, AT(pace) },
	{ "dir", "both|in|out", EP_OPT_CHOICE, AT(dir), .choices = dirs },
	{ "count", "N", EP_OPT_RATE, AT(count) },
	{ "loop", "N", EP_OPT_U64, AT(loop) },
	{ NULL },
};

static const char *const pcap_keys[] = { "read=FILE", "write=FILE",
	"pace=recorded|full|N|TIME", "dir=both|in|out", "count=N", "loop=N",
	NULL };

static const char *const pcap_fds[] = { "read", "write", NULL };

const struct ep_kind ep_kind_pcap = {
	.pub = {
		.name = "pcap",
		.sentence = "replays the capture file read=, records what it "
			    "receives in write=",
		.keys = pcap_keys,
		.sim = 1,
		.fds = pcap_fds,
	},
	.opts = pcap_opts,
	.conf_size = sizeof(struct pcap_conf),
	.conf_default = &pcap_default,
	.check = pcap_check,
	.create = pcap_create,
	.create_with = pcap_create_with,
	.opens = pcap_opens,
};
