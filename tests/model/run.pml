/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * run.pml - who may wait for whom: the rule of src/net/run.h. Two pairs, 0 and
 * 1, with a stack each, and a subscription, 2. Two workers, each in a callback
 * of a pair or of the subscription, and a thread that is in none: each destroys
 * or detaches what it likes, or ends the subscription. The stack's release is a
 * callback, too (struct epair_stack's detached), and may do the same; what it
 * causes to be released is quiet.
 *
 * runs[p] counts who keeps pair p from being torn down, holds[p] who keeps its
 * stack: as in destroy.pml, which has the rest. A thread remembers in `in` what
 * callbacks it is in.
 *
 * Holds: nobody waits for ever (an invalid end state), and whoever has waited
 * finds no callback running.
 *
 * The mutants: every thread waits that is not in the thing itself, so that two
 * callbacks wait for each other; release does not count as a callback, so that
 * the detaching thread waits for its own run, or for a callback that waits for
 * it; ending a subscription waits whatever the rule says.
 *
 * Holds, in 3,106,475 states.
 *
 * pan: -m1000000
 */
#define SUB  2
#define NONE 3

bit dying[3], attached[3], torn[3], released[3];
byte runs[3], holds[3];
byte calls[3]; /* callbacks now running, of the pair or subscription */
bit callback_waits = 0;

#define is_in(p) (in & (1 << (p)))

inline may_wait(p)
{
	if
	:: in == 0 -> wait = 1
	:: is_in(p) -> wait = 0
	:: in != 0 && !is_in(p) ->
#ifdef MUTANT_ALL_WAIT
		wait = 1
#else
		atomic { wait = !callback_waits; callback_waits = 1 }
#endif
	fi
}

inline waited(p)
{
	assert(calls[p] == 0);
	if
	:: in != 0 -> callback_waits = 0
	:: else
	fi;
	wait = 0
}

inline quiet_leave(p)
{
	atomic {
		holds[p]--;
		if
		:: holds[p] == 0 -> released[p] = 1
		:: else
		fi
	}
}

inline quiet_run_end(p)
{
	atomic { runs[p]--; last = (runs[p] == 0) }
	if
	:: last ->
		assert(!torn[p]);
		if
		:: attached[p] -> attached[p] = 0; quiet_leave(p)
		:: else
		fi;
		torn[p] = 1
	:: else
	fi;
	last = 0
}

/* Macros, since an inline takes no name of an inline. */
#define destroy(p, run_end) \
	atomic { was = dying[p]; dying[p] = 1 } \
	if \
	:: !was -> \
		may_wait(p); \
		run_end(p); \
		if \
		:: wait -> torn[p]; waited(p) \
		:: else \
		fi \
	:: else \
	fi; \
	was = 0

#define detach(p, leave, run_end) \
	atomic { \
		was = (dying[p] || !attached[p]); \
		if \
		:: !was -> attached[p] = 0; runs[p]++ \
		:: else \
		fi \
	} \
	if \
	:: !was -> \
		may_wait(p); \
		leave(p); \
		if \
		:: wait -> released[p]; waited(p) \
		:: else \
		fi; \
		run_end(p) \
	:: else \
	fi; \
	was = 0

inline unsubscribe()
{
	atomic { was = dying[SUB]; dying[SUB] = 1 }
	if
	:: !was ->
#ifdef MUTANT_UNSUBSCRIBE_WAITS
		wait = !is_in(SUB);
#else
		may_wait(SUB);
#endif
		if
		:: wait -> calls[SUB] == 0; waited(SUB)
		:: else
		fi
	:: else
	fi;
	was = 0
}

/* What `detached` does: the other pair, or its own. */
inline at_release(p)
{
#ifndef MUTANT_RELEASE_IS_NONE
	outer = in;
	in = in | (1 << p);
	calls[p]++;
#endif
	if
	:: q = 0
	:: q = 1
	fi;
	if
	:: true
	:: destroy(q, quiet_run_end)
	:: detach(q, quiet_leave, quiet_run_end)
	:: unsubscribe()
	fi;
	q = 0;
#ifndef MUTANT_RELEASE_IS_NONE
	calls[p]--;
	in = outer;
#endif
}

inline leave(p)
{
	atomic { holds[p]--; freed = (holds[p] == 0) }
	if
	:: freed -> freed = 0; at_release(p); released[p] = 1
	:: else
	fi
}

inline run_end(p)
{
	atomic { runs[p]--; ends = (runs[p] == 0) }
	if
	:: ends ->
		ends = 0;
		assert(!torn[p]);
		if
		:: attached[p] -> attached[p] = 0; leave(p)
		:: else
		fi;
		torn[p] = 1
	:: else
	fi
}

inline act()
{
	if
	:: r = 0
	:: r = 1
	fi;
	if
	:: destroy(r, run_end)
	:: detach(r, leave, run_end)
	:: unsubscribe()
	fi;
	r = 0
}

/*
 * In a callback of a pair's stack, whose run and stack are held; in one of the
 * subscription; or in none.
 */
proctype thread(byte thing)
{
	byte in, outer, q, r, acts = 1;
	bit was, wait, last, freed, ends;

	if
	:: thing == NONE -> acts = 2
	:: else -> in = 1 << thing
	fi;
	do
	:: acts > 0 -> act(); acts--
	:: else -> break
	od;
	if
	:: thing == NONE
	:: else ->
		calls[thing]--;
		if
		:: thing == SUB
		:: else -> leave(thing); in = 0; run_end(thing)
		fi
	fi
}

inline start(p)
{
	runs[p]++; holds[p]++; calls[p]++;
	run thread(p)
}

init
{
	atomic {
		runs[0] = 1; runs[1] = 1; /* alive */
		holds[0] = 1; holds[1] = 1;
		attached[0] = 1; attached[1] = 1;
		if
		:: start(0)
		:: calls[SUB]++; run thread(SUB)
		fi;
		start(1);
		run thread(NONE)
	}
}
