package dev.graft.eval.synthetic;

import java.util.List;
import java.util.Map;

/**
 * One row that a generator made, right by construction.
 *
 * @param prompt what is asked, without a chat template
 * @param completion the right answer
 * @param rejected wrong answers, best first; at least one. Preferences take the first
 * @param fields further fields of the written row, in order: labels ("label"), facts ("facts"), and the like; values that Jackson writes
 * @param fingerprint text in which two rows of different splits must not be nearly alike: the passage without the instruction
 */
public record SyntheticRow(String prompt, String completion, List<String> rejected, Map<String, Object> fields, String fingerprint) {}
