/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * drain.pml - a drained task neither waits nor runs (S3 of src/sched/sched.h),
 * though it schedules itself each time it runs; and draining comes to an end.
 * Two threads drain it, and its memory is freed when both have.
 * src/sched/worker.c: ep_task_drain(), ep_worker_await(), ep_worker_call_end().
 *
 * Each atomic block is done under the worker's lock.
 *
 * The mutants: the task is not taken out again after it ran, and is found
 * waiting by who thinks that it is drained; the worker does not let drainers
 * go first, and runs the task again and again while they look.
 *
 * Holds, in 120 states; the claim, in 114 of the product with fairness.
 *
 * pan: -f -m1000000
 */
#define DRAINERS 2

bit waiting = 1, running = 0, freed = 0;
byte drainers = 0, done = 0;

active proctype worker()
{
end:	do
	:: atomic { waiting && !running -> waiting = 0; running = 1 }
		assert(!freed);
		waiting = 1; /* it wants to run again */
		running = 0;
#ifndef MUTANT_RUNS_ON
		drainers == 0
#endif
	od
}

inline drain()
{
	atomic {
		waiting = 0;
		if
		:: running -> drainers++; waits = 1
		:: else
		fi
	}
	if
	:: waits ->
		atomic {
			!running -> drainers--; waits = 0;
#ifndef MUTANT_TAKES_ONCE
			waiting = 0
#endif
		}
	:: else
	fi
}

/* As a source is released: nobody schedules but the task itself. */
active [DRAINERS] proctype drainer()
{
	bit waits = 0;

	drain();
	atomic { assert(!running); done++ }
	if
	:: done == DRAINERS ->
		atomic { assert(!waiting && !running); freed = 1 }
	:: else
	fi
}

ltl drained { <> freed }
