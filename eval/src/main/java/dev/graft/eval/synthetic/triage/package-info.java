/** Messages of patients, how soon they need an answer, and whose. */
package dev.graft.eval.synthetic.triage;
