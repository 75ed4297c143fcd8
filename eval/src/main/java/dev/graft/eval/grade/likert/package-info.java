/** A judge model that grades from 1 to 5: its prompt, its answers, where it runs, and the grades that it has given. */
package dev.graft.eval.grade.likert;
