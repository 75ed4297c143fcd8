/** The protocol of a study, run whole: sweeps, plateaus, choice on development rows, and the test of base, SFT and DPO. */
package dev.graft.eval.study;
