package dev.graft.trainer.data;

import java.util.BitSet;

/**
 * Tokens of a {@link Script}.
 *
 * @param tokens BOS included
 * @param learnt bit i: token i is to be predicted; bit 0 may be set here
 * @param promptLength tokens before the first learnt stretch
 * @param doubledBos whether the text brought a second BOS
 */
record Encoded(int[] tokens, BitSet learnt, int promptLength, boolean doubledBos) {}
