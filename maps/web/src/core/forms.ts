/** Forms: what is typed is sent once at a time, and a refusal stands in the form (`.fault`). */
import { explain } from "./api";

export function submitting(work: (given: FormData, form: HTMLFormElement) => Promise<void>) {
  return async (event: SubmitEvent): Promise<void> => {
    event.preventDefault();
    const form = event.target as HTMLFormElement;
    const button = form.querySelector<HTMLButtonElement>("[type=submit]");
    const fault = form.querySelector(".fault");
    const say = (text: string): void => {
      if (fault) fault.textContent = text;
    };
    if (button) button.disabled = true;
    say("");
    try {
      await work(new FormData(form), form);
    } catch (error) {
      say(explain(error));
    } finally {
      if (button) button.disabled = false;
    }
  };
}
