/** People as graders: blinded sheets for them, and what their sheets amount to when they come back. */
package dev.graft.eval.grade.people;
