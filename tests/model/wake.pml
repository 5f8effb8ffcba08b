/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * wake.pml - no task or timer is slept over: wants_wake, the eventfd and the
 * timerfd of src/sched/. Two threads schedule tasks and arm a timer that is due
 * at once. They are run by a worker that sleeps in epoll_wait (THREADS), or by a
 * program that polls and dispatches with a budget of one thing, or without end
 * (LOOP). Other descriptors may end a sleep at any time, and a look at them may
 * come too early to see what is written meanwhile.
 *
 * The eventfd is watched for edges: a write stays to be seen until epoll_wait
 * has told of it, once. The timerfd is readable until it is read.
 *
 * Each atomic block is done under the worker's lock, which is given up while
 * epoll_wait looks. When everybody is blocked nothing may be left to do.
 *
 * The mutants: saying that one sleeps after the lock was given up; sleeping on
 * without a look at the tasks after an edge; a timerfd that is taken to be
 * set still though it was read (the bug of 657c693: the budget was used up by a
 * task, and the timer forgotten); and a dispatch that ends with tasks waiting
 * and does not keep its descriptor readable.
 *
 * Holds, in 18,279 states.
 */
#define SCHEDULERS 2

byte waiting = 0; /* tasks in the list */
bit armed = 0; /* a timer, due */
bit wants_wake = 0;
byte wake_fd = 0;
bit timer_fd = 0, timer_fd_is_set = 0;
bit is_loop;
byte others = 2; /* events of other descriptors yet to come */

inline wake()
{
	if
	:: wants_wake -> wants_wake = 0; wake_fd = 1
	:: else
	fi
}

/* ep_worker_set_timer_fd() */
inline set_timer_fd()
{
	if
	:: is_loop && armed && !timer_fd_is_set ->
		timer_fd_is_set = 1; timer_fd = 1
	:: else
	fi
}

active [SCHEDULERS] proctype scheduler()
{
	byte n = 0;

	do
	:: n < 2 ->
		n++;
		if
		:: true -> atomic { waiting++; wake() }
		:: true ->
			atomic {
				armed = 1;
				if
				:: !is_loop -> wake()
				:: else
				fi;
				set_timer_fd()
			}
		fi
	:: else -> break
	od
}

inline clear_timer()
{
	if
	:: timer_fd ->
		timer_fd = 0;
#ifndef MUTANT_TIMER_STAYS_SET
		timer_fd_is_set = 0
#endif
	:: else
	fi
}

#define is_readable (wake_fd > 0 || timer_fd)
#define has_work    (waiting > 0 || armed)

active proctype runner()
{
	bit seen;
	byte budget;

	if
	:: is_loop = 1; atomic { wants_wake = 1 } /* epair_fd() */
	:: is_loop = 0; goto threads
	fi;

end_polls:
	if
	:: is_readable
	:: atomic { others > 0 -> others-- }
	fi;
	if
	:: budget = 1
	:: budget = 9
	fi;
	atomic { seen = is_readable; wake_fd = 0 } /* epoll_wait */
	atomic {
		wants_wake = 0;
		if
		:: seen -> clear_timer()
		:: else
		fi
	}
	/* Tasks that wait now, then timers; what comes meanwhile stays. */
	atomic {
		do
		:: waiting > 0 && budget > 0 -> waiting--; budget--
		:: else -> break
		od
	}
	atomic {
		if
		:: armed && budget > 0 -> armed = 0
		:: else
		fi;
		/* rest() */
		wants_wake = 1;
#ifndef MUTANT_RESTS_SILENT
		if
		:: waiting > 0 -> wake()
		:: else
		fi;
#endif
		set_timer_fd()
	}
	seen = 0; budget = 0;
	goto end_polls;

threads:
	atomic {
		waiting = 0; armed = 0
	}
again:
	atomic {
		if
		:: has_work -> goto threads
		:: else
		fi;
#ifndef MUTANT_SAYS_LATE
		wants_wake = 1
#endif
	}
#ifdef MUTANT_SAYS_LATE
	atomic { wants_wake = 1 }
#endif
end_sleeps:
	if
	:: atomic { is_readable -> wake_fd = 0 }
	:: atomic { others > 0 -> others-- }
	fi;
	atomic { wants_wake = 0 }
#ifdef MUTANT_SLEEPS_ON
	atomic { wants_wake = 1 }
	goto end_sleeps;
#endif
	goto again
}

active proctype judge()
{
	timeout -> assert(!has_work)
}
