// Fields and the form around them: label above, hint below, the error in words at the field that it is about.
import { useMutation } from "@tanstack/react-query";
import { useCallback, useId, useState, type FormEvent, type InputHTMLAttributes, type ReactNode, type SelectHTMLAttributes } from "react";
import { asApiError, type ApiError } from "../api/errors";
import { useText, type Key } from "../i18n";
import { sentenceOf, type Told } from "../i18n/server";
import { composing } from "../shell/keyboard";

interface FieldProps extends InputHTMLAttributes<HTMLInputElement> {
  label: string;
  hint?: ReactNode;
  problem?: string | undefined;
}

/** What is missing or not as it must be, in the app's words and language: a browser's own bubble has neither its type nor its tongue. */
function unfit(field: HTMLInputElement): Key {
  const { valueMissing, tooShort } = field.validity;
  return valueMissing ? "field.missing" : tooShort ? "field.short" : "field.unfit";
}

export function Field({ label, hint, problem: told, className, ...input }: FieldProps) {
  const id = useId();
  const { t } = useText();
  const [unfitting, setUnfitting] = useState<Key>();
  // How it must be is often said by the hint already.
  const problem: ReactNode = told ?? (unfitting && (unfitting === "field.missing" || !hint ? t(unfitting, { least: input.minLength ?? 0 }) : hint));
  return (
    <div className={className}>
      <label className="label" htmlFor={id}>
        {label}
      </label>
      <input
        dir="auto"
        {...input}
        id={id}
        onInvalid={(event) => {
          event.preventDefault();
          const field = event.currentTarget;
          setUnfitting(unfit(field));
          if (field.form?.querySelector(":invalid") === field) field.focus();
        }}
        onInput={() => setUnfitting(undefined)}
        className={problem ? "input bad" : "input"}
        aria-invalid={problem ? true : undefined}
        aria-describedby={problem || hint ? `${id}-h` : undefined}
      />
      {(problem || hint) && (
        <p id={`${id}-h`} className={problem ? "hint need" : "hint"}>
          {problem ?? hint}
        </p>
      )}
    </div>
  );
}

interface ChoiceProps extends SelectHTMLAttributes<HTMLSelectElement> {
  label: string;
  hint?: ReactNode;
  options: readonly (readonly [value: string, text: string])[];
}

export function Choice({ label, hint, options, className, ...select }: ChoiceProps) {
  const id = useId();
  return (
    <div className={className}>
      <label className="label" htmlFor={id}>
        {label}
      </label>
      <select {...select} id={id} className="input" aria-describedby={hint ? `${id}-h` : undefined}>
        {options.map(([value, text]) => (
          <option key={value} value={value}>
            {text}
          </option>
        ))}
      </select>
      {hint && (
        <p id={`${id}-h`} className="hint">
          {hint}
        </p>
      )}
    </div>
  );
}

/** The words for what a code of the server means: the page's own where there are some, else the server's sentence. */
export function useToldText(): (told: Told) => string {
  const { told: texts, language, figures } = useText();
  return useCallback((told) => sentenceOf(texts, told, language, figures) ?? told.message, [texts, language, figures]);
}

/** The words for an error. */
export function useErrorText(): (error: unknown) => string {
  const { t } = useText();
  const words = useToldText();
  return (error) => {
    const told = asApiError(error);
    const known = ERROR_KEYS[told.code];
    const triesLeft = Number(told.details.tries_left ?? 0);
    if (told.code === "sign_in_failed" && triesLeft > 0) return t("error.sign_in_failed.left", { count: triesLeft });
    if (told.code === "sign_in_paused") return t("error.sign_in_paused", { count: Math.ceil(Number(told.details.retry_after_s ?? 60)) });
    return known ? t(known) : words(told);
  };
}

const ERROR_KEYS: Record<string, Key | undefined> = {
  offline: "error.offline",
  sign_in_failed: "error.sign_in_failed",
  link_invalid: "error.link_invalid",
  link_used: "error.link_used",
  link_expired: "error.link_expired",
};

interface FormState<T> {
  busy: boolean;
  error: ApiError | undefined;
  problemOf: (param: string) => string | undefined; // the error, if it is about this field
  whole: string | undefined; // the error, if it is about no field that was asked for
  onSubmit: (event: FormEvent) => void;
  done: T | undefined;
  onKeyDown: (event: React.KeyboardEvent) => void;
}

/** A form that sends once at a time. `fields`: the names that the server may complain about and that are shown here. */
export function useForm<T>(send: () => Promise<T>, fields: readonly string[], then?: (done: T) => void): FormState<T> {
  const words = useErrorText();
  const [done, setDone] = useState<T>();
  const sending = useMutation({
    mutationFn: send,
    onSuccess: (answer) => {
      setDone(answer);
      then?.(answer);
    },
  });
  const error = sending.error ? asApiError(sending.error) : undefined;
  const about = error?.param && fields.includes(error.param) ? error.param : undefined;
  return {
    busy: sending.isPending,
    error,
    done,
    problemOf: (param) => (about === param && error ? words(error) : undefined),
    whole: error && !about ? words(error) : undefined,
    onSubmit: (event) => {
      event.preventDefault();
      if (!sending.isPending) sending.mutate();
    },
    onKeyDown: (event) => {
      if (event.key === "Enter" && composing(event)) event.preventDefault();
    },
  };
}

export function Problem({ children }: { children: string | undefined }) {
  return (
    <p className="problem" role="alert">
      {children}
    </p>
  );
}
