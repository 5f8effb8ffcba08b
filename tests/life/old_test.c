/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Where there is no epoll_pwait2: a kernel before 5.11, or a container whose
 * filter does not know it.
 */
#include "life.h"

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "base/atomic.h"
#include "base/container.h"
#include "net/instance.h"
#include "sched/sched.h"

#define SOON_NS 300000u

struct told {
	struct ep_watch watch;
	struct ep_timer timer;
	uint32_t events, fired; /* atomic */
	uint64_t when_ns;
	struct ep_sched *sched;
};

static void
watch_run(struct ep_watch *watch, uint32_t events)
{
	struct told *t = EP_CONTAINER_OF(watch, struct told, watch);
	uint64_t count;

	CHECK(events == EPOLLIN);
	CHECK(read(watch->fd, &count, sizeof(count)) == sizeof(count));
	(void)ep_add_relaxed(&t->events, 1);
}

static void
timer_run(struct ep_timer *timer)
{
	struct told *t = EP_CONTAINER_OF(timer, struct told, timer);

	CHECK(ep_sched_mono(t->sched) >= t->when_ns);
	(void)ep_add_acq_rel(&t->fired, 1);
}

static void
forbid(int error)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
		    offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_epoll_pwait2, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | (uint32_t)error),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog filter = { sizeof(code) / sizeof(code[0]), code };
	struct timespec now = { 0 };
	struct epoll_event ev;

	CHECK(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0);
	CHECK(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter) == 0);
	CHECK(epoll_pwait2(-1, &ev, 1, &now, NULL) < 0 && errno == error);
}

static void
see_all_that_happens(const struct life_way *way)
{
	int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	struct told t = { .events = 0 };
	struct ep_worker *worker;
	struct life l;

	life_begin(&l, way);
	t.sched = l.ep->sched;
	worker = ep_sched_worker(t.sched, 0);
	ep_watch_init(&t.watch, worker, watch_run);
	ep_timer_init(&t.timer, worker, timer_run);
	CHECK(ep_watch_add(&t.watch, fd, EPOLLIN) == 0);
	for (uint32_t i = 1; i <= 20; i++) {
		CHECK(eventfd_write(fd, 1) == 0);
		AWAIT(ep_load_relaxed(&t.events) == i);
		t.when_ns = ep_sched_mono(t.sched) + SOON_NS;
		CHECK(ep_timer_arm(&t.timer, t.when_ns) == 0);
		AWAIT(ep_load_acquire(&t.fired) == i);
	}
	ep_watch_drain(&t.watch);
	(void)ep_timer_drain(&t.timer);
	(void)close(fd);
	life_end(&l);
}

/* In a process of its own: what it is denied, it is denied for good. */
static void
denied(int error, enum epair_way way)
{
	const struct life_way how = { "", way, 1, 1, false };
	pid_t pid = fork();
	int status;

	assert_true(pid >= 0);
	if (pid == 0) {
		(void)alarm(LIFE_PATIENCE_S);
		forbid(error);
		see_all_that_happens(&how);
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

static void
old_kernel_will_do(void **state)
{
	(void)state;
	denied(ENOSYS, EPAIR_THREADS);
	denied(ENOSYS, EPAIR_LOOP);
}

static void
container_that_does_not_know_the_call_will_do(void **state)
{
	(void)state;
	denied(EPERM, EPAIR_THREADS);
	denied(EPERM, EPAIR_LOOP);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(old_kernel_will_do),
		cmocka_unit_test(container_that_does_not_know_the_call_will_do),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
