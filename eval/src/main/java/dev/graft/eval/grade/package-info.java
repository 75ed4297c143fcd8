/** Graders of open answers: text equivalence, a checklist of facts, a judge model, and people with their sheets. */
package dev.graft.eval.grade;
