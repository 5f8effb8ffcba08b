/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * destroy.pml - one end of a pair, its queue, tasks and stack, while it is being
 * destroyed: D1 to D4 of src/net/ifnet.h, T1 of src/net/stack.h, the theory in
 * src/pair/destroy.c. Transmitters that hold references, a worker that runs the
 * queue's task and one that runs the `changed` task, either of which may stop
 * for good between two tasks (a LOOP that nobody dispatches any more), a program
 * that changes flags, one that detaches, and one that destroys; the stack's
 * callback may destroy or detach, too. Either two transmitters and who destroys,
 * or one and all the others: all together are too many.
 *
 * A section of the epoch is a number that is odd while it is open; waiting for
 * the epoch is waiting for each that was odd to change. Each atomic block is
 * one atomic operation, or what is done under one lock.
 *
 * Holds: teardown comes once, after the last run and the last transmitter that
 * saw RUNNING; nothing is queued after it; nobody touches the pair when it is
 * freed or the stack when it is released; whoever waits is told; every frame
 * was delivered or dropped.
 *
 * The mutants: destroy does not wait for the epoch, so that a transmitter
 * queues a frame, and wakes a task, behind the teardown; destroy does not say
 * that the run of a queue is now its task's to end, or does not end that of one
 * that it has cancelled; a task that lines up again does not look whether the
 * pair is dying by then, and nobody comes for it; detach does not wait for the
 * epoch, so that a task takes hold of a stack that is released already; teardown
 * forgets what is queued; and a callback that destroys its own pair waits for it.
 *
 * Holds, in 4,739,288 states.
 *
 * pan: -m1000000
 */
#define QWORKER	 2 /* sections: those of the transmitters, then these */
#define CWORKER	 3
#define SECTIONS 4

mtype = { IDLE, WAKING, RUNNING };

/* The pair. */
bit is_running = 1, dying = 0, torn = 0, freed = 0;
byte refs = 1; /* alive; and what each program holds */
byte runs = 2; /* alive; the queue */
mtype qstate = IDLE;
bit is_left = 0; /* destroy came while the task ran */
byte queued = 0;
bit q_waits = 0, c_waits = 0; /* tasks in a worker's list */

/* The stack: attached is one hold. */
bit attached = 1, released = 0;
byte holds = 1;

byte section[SECTIONS];
byte open = 0; /* frames sent, and neither delivered nor dropped */

#define touch()	      assert(!freed)
#define touch_stack() assert(!released)

inline put_ref()
{
	atomic {
		touch();
		refs--;
		if
		:: refs == 0 -> freed = 1
		:: else
		fi
	}
}

inline epoch_wait(i, s)
{
	i = 0;
	do
	:: i < SECTIONS ->
		s = section[i];
		if
		:: s % 2 == 1 -> section[i] != s
		:: else
		fi;
		i++
	:: else -> break
	od;
	i = 0; s = 0
}

inline stack_leave(last)
{
	atomic { touch_stack(); holds--; last = (holds == 0) }
	if
	:: last -> atomic { touch_stack(); released = 1 }
	:: else
	fi;
	last = 0
}

/* ep_pair_run_end(), with the teardown. */
inline run_end(last)
{
	atomic { touch(); runs--; last = (runs == 0) }
	if
	:: last ->
		atomic {
			assert(!torn); /* D2 */
			assert(dying && !q_waits && !c_waits); /* D1 */
#ifndef MUTANT_KEEPS_QUEUE
			open = open - queued; queued = 0;
#endif
			qstate = IDLE
		}
		if
		:: attached -> attached = 0; stack_leave(last)
		:: else
		fi;
		atomic { touch(); torn = 1 }
		put_ref()
	:: else
	fi;
	last = 0
}

inline cancel(waits, last)
{
	atomic { last = waits; waits = 0 }
	if
#ifndef MUTANT_KEEPS_RUN
	:: last -> run_end(last)
#endif
	:: else -> last = 0
	fi
}

/*
 * Who ends the queue's run: destroy, if the task is idle or waits in a list; the
 * task that runs, when it has become idle.
 */
inline leave_queue(last)
{
	atomic {
		touch();
		last = (qstate == IDLE);
#ifndef MUTANT_DOES_NOT_SAY_THAT_IT_LEAVES
		is_left = !last
#endif
	}
	if
	:: last
	:: else -> atomic { last = q_waits; q_waits = 0 }
	fi;
	if
#ifndef MUTANT_KEEPS_RUN
	:: last -> run_end(last)
#endif
	:: else -> last = 0
	fi
}

/* ep_pair_destroy() but for the waiting: `was` says that somebody did already. */
inline destroy(was, i, s, last)
{
	atomic {
		touch();
		was = dying;
		if
		:: !was -> is_running = 0; dying = 1
		:: else
		fi
	}
	if
	:: !was ->
#ifndef MUTANT_NO_EPOCH
		epoch_wait(i, s);
#endif
		leave_queue(last);
		cancel(c_waits, last);
		run_end(last)
	:: else
	fi
}

inline detach(was, i, s, last)
{
	atomic {
		touch();
		was = (dying || !attached);
		if
		:: !was -> runs++; attached = 0
		:: else
		fi
	}
	if
	:: !was ->
#ifndef MUTANT_DETACHES_AT_ONCE
		epoch_wait(i, s);
#endif
		stack_leave(last)
	:: else
	fi
}

/* Sends frames, one by one, while it holds a reference. */
proctype transmitter(byte me; byte frames)
{
	byte n = 0;
	bit wake = 0;

	do
	:: n < frames ->
		n++;
		section[me]++;
		touch();
		open++;
		if
		:: !is_running -> open--
		:: else ->
			atomic {
				assert(!torn); /* D3 */
				queued++;
				wake = (qstate == IDLE);
				qstate = (wake -> WAKING : qstate)
			}
			if
			:: wake -> atomic { assert(!q_waits && runs > 0); q_waits = 1 }
			:: else
			fi
		fi;
		wake = 0;
		section[me]++
	:: else -> break
	od;
	put_ref()
}

/* What a callback of the stack does. */
inline callback(was, i, s, last)
{
	touch_stack();
	if
	:: true
	:: true ->
		destroy(was, i, s, last);
#ifdef MUTANT_WAITS_FOR_ITSELF
		torn;
#endif
		was = 0
	:: true ->
		detach(was, i, s, last);
		if
		:: !was -> run_end(last)
		:: else
		fi;
		was = 0
	fi
}

inline stack_enter(me, got)
{
	section[me]++;
	if
	:: attached -> got = 1; skip; atomic { touch_stack(); holds++ }
	:: else
	fi;
	section[me]++
}

proctype queue_worker()
{
	byte batch, i, s;
	bit was, last, got, again;

end:	do
	:: atomic { q_waits -> q_waits = 0 }
		atomic {
			touch();
			assert(qstate == WAKING && !torn); /* D1 */
			qstate = RUNNING; batch = queued; queued = 0
		}
		if
		:: dying -> open = open - batch
		:: else ->
			stack_enter(QWORKER, got);
			if
			:: got ->
				open = open - batch;
				callback(was, i, s, last);
				stack_leave(last)
			:: else -> open = open - batch
			fi
		fi;
		got = 0; batch = 0;
		atomic {
			touch();
			assert(qstate == RUNNING);
			again = (queued > 0);
			qstate = (again -> WAKING : IDLE);
			last = (!again && is_left)
		}
		if
		:: again ->
			/* Under the worker's lock, as destroy's look there. */
			atomic {
				touch();
				assert(!q_waits);
				if
#ifndef MUTANT_LINES_UP_BLINDLY
				:: dying
#endif
				:: else -> q_waits = 1; again = 0
				fi
			}
			if
			:: again ->
				again = 0;
				atomic { touch(); qstate = IDLE; last = is_left }
			:: else
			fi
		:: else
		fi;
		if
		:: last -> run_end(last)
		:: else
		fi
	:: break
	od
}

proctype changed_worker()
{
	byte i, s;
	bit was, last, got;

end:	do
	:: atomic { c_waits -> c_waits = 0 }
		touch();
		assert(!torn); /* D1 */
		if
		:: dying
		:: else ->
			stack_enter(CWORKER, got);
			if
			:: got ->
				callback(was, i, s, last);
				stack_leave(last)
			:: else
			fi
		fi;
		got = 0;
		run_end(last)
	:: break
	od
}

/* Changes a flag. ep_ifnet_changed() is under the configuration lock. */
proctype configurator()
{
	atomic {
		touch();
		if
		:: !dying && attached && !c_waits -> runs++; c_waits = 1
		:: else
		fi
	}
	put_ref()
}

proctype detacher()
{
	byte i, s;
	bit was, last;

	detach(was, i, s, last);
	if
	:: !was ->
		released; /* told by whoever released it */
		run_end(last)
	:: else
	fi;
	put_ref()
}

proctype destroyer()
{
	byte i, s;
	bit was, last;

	destroy(was, i, s, last);
	if
	:: !was -> torn
	:: else
	fi;
	put_ref();

	/* In the end, when all have ended that hold a reference. */
	freed;
	assert(torn && released && runs == 0);
	assert(queued == 0 && open == 0)
}

init
{
	atomic {
		if
		:: true ->
			refs = refs + 3;
			run transmitter(0, 2);
			run transmitter(1, 1);
			run destroyer();
			run queue_worker()
		:: true ->
			refs = refs + 4;
			run transmitter(0, 1);
			run configurator();
			run detacher();
			run destroyer();
			run queue_worker();
			run changed_worker()
		fi
	}
}
