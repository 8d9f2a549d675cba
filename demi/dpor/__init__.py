"""Systematic exploration: one execution per equivalence class of deliveries, and what was covered.

A route through the code, with the names of the papers on the left:

    transition, event        `Event` in `demi/events.py`; a delivery runs its whole handler
    process                  `Relation.process`: a channel (fifo, causal), an inbox (mailbox), a message
                             (bag), a timer, an external
    (in)dependence           `Relation.dependent`, over the footprints that steps leave   relation.py
    happens-before, ->       `History.past`, one bit set per event                        history.py
    race, reversible         `History.append`; `Space.disabled` and `Space.held` for      history.py
                             races that leave no trace                                    space.py
    notdep(e, E)             `History.not_after`
    initials I(v)            `History.initials`
    weak initials WI(v)      `Sequence.weak_initial`                                      optimal.py
    sleep, backtrack, done   `Frame.asleep` (sleep + done), `Frame.planned`               tree.py
    wakeup tree, insert      `Branch`, `insert`                                           optimal.py
    Mazurkiewicz trace       `History.class_id`

    file         what                                       after
    naive.py     every interleaving                         the ground truth of the tests
    classic.py   persistent sets, repaired                  Flanagan, Godefroid, POPL 2005
    source.py    source sets                                Abdulla, Aronis, Jonsson, Sagonas, POPL 2014
    optimal.py   wakeup trees                               the same
    delays.py    delay bounding                             Emmi, Qadeer, Rakamaric, POPL 2011
    stateful.py  every state once, breadth first            -
    tree.py      the walk and sleep sets                    Godefroid, LNCS 1032, 1996
    frame.py     a node of the walk                         -
    bounds.py    bounds as coordinates                      Coons, Musuvathi, McKinley, OOPSLA 2013
    hook.py      trying what `commutes` claims              -
    tally.py     counts, limits, how much is left           Kilby et al., AAAI 2006
    space.py     a world, forward and back                  -
    again.py     steps taken once more, compared            -
    states.py    what identifies a state                    -
    numbering.py small numbers for its parts                -
    auto.py      classes or states                          -
    deepen.py    a bound raised round by round              -
    parallel.py  subtrees over processes                    -
    resume.py    what is left, as JSON                      -
    result.py    what an exploration says                   -
    explore.py   the front; read it first                   -

Counts are of maximal executions under a named network model and relation.  What distinguishes a system
under test from the papers' programs: steps that *disable* others for good (a crash, a cancelled timer, a
drop, a used-up budget), so that a race may leave no second event in the trace.
"""
