package dev.graft.eval.synthetic.clinic;

import java.util.List;

/**
 * What a patient may come for.
 *
 * @param symptoms what patients like this may have
 * @param reasons reasons to come that state no symptom
 */
public record Scenario(String key, Who who, List<Symptom> symptoms, List<String> reasons) {}
