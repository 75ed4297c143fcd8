package dev.graft.eval.synthetic.summary;

import java.util.List;
import java.util.Map;

/**
 * A kind of admission. Lines are grammar lines; the files under {@code resources/.../summary} explain them.
 *
 * @param id of the scenario
 * @param sex "any", "male" or "female"
 * @param minAge years
 * @param maxAge years
 * @param vars alternatives of which one is true, by name, in the file's order
 * @param opposite the name of a side and of the side that it is opposite to; empty if there is none
 * @param avoid drugs that the patient must not take already
 * @param lines of the note, by section: hpi, exam, results, events
 * @param phrases of the summary and the note, and what a grader accepts, by key: dx, dx_any, tx, …
 * @param dispositions ids, at least one
 * @param complications ids; one that stands twice comes twice as often
 * @param swap names of vars that a wrong summary gets wrong
 */
record Scenario(
    String id,
    String sex,
    int minAge,
    int maxAge,
    Map<String, List<String>> vars,
    List<String> opposite,
    List<String> avoid,
    Map<String, List<String>> lines,
    Map<String, String> phrases,
    List<String> dispositions,
    List<String> complications,
    List<String> swap) {}
