/** What of this machine Graft can use, what is missing, and how to mend it. */
package dev.graft.eval.doctor;
