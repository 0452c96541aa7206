// What is neither a page nor a conversation and yet has a name: projects, folders, models, keys, people, teams, providers, the server's values.
// Asked for once something is typed; each role finds what it may see.
import { useQuery } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { useMemo } from "react";
import { allPages, api, body } from "../api/client";
import { useIsOwner, useMe } from "../api/session";
import { useText } from "../i18n";
import { useConfig } from "../pages/settings/config";
import { useModels, useProjects, useWorld } from "../pages/talk/data";
import { useKeys, usePrincipals } from "../pages/use/data";
import type { Row } from "./find";
import type { Part } from "./places";

export function useThings(): Row[] {
  const theirs = useOfTalk();
  const here = useOfSettings();
  return useMemo(() => [...theirs, ...here], [theirs, here]);
}

function useOfTalk(): Row[] {
  const { t } = useText();
  const navigate = useNavigate();
  const world = useWorld();
  const me = useMe();
  const projects = useProjects().data;
  const models = useModels().data;
  return useMemo(() => {
    const group = t("palette.things");
    const begin = () => void navigate({ to: "/talk/{-$id}", params: { id: undefined } });
    const list = (which: string) => () => {
      world.list(which);
      begin();
    };
    const answeredBy = (name: string) => () => void world.kept.set("choice", name).then(begin);
    const rows: Row[] = [];
    for (const one of projects?.data ?? []) rows.push({ id: one.id, group, name: one.name, about: t("palette.project", { count: one.conversations }), act: list(`p:${one.id}`) });
    for (const one of projects?.folders ?? []) rows.push({ id: `folder ${one.name}`, group, name: one.name, about: t("palette.folder", { count: one.conversations }), act: list(`f:${one.name}`) });
    if (me.role !== "guest") for (const one of models ?? []) rows.push({ id: `model ${one.id}`, group, name: one.id, about: t("palette.model"), act: answeredBy(one.id) });
    return rows;
  }, [projects, models, me.role, world, navigate, t]);
}

function useOfSettings(): Row[] {
  const { t } = useText();
  const navigate = useNavigate();
  const me = useMe();
  const keys = useKeys().data;
  const principals = usePrincipals().data;
  const providers = useProviderNames().data;
  const config = useConfig(useIsOwner()).data;
  return useMemo(() => {
    const group = t("palette.things");
    const point = (part: Part, hash: string) => () => void navigate({ to: "/settings/$part", params: { part }, hash });
    const rows: Row[] = [];
    if (me.role !== "guest") for (const one of keys ?? []) rows.push({ id: one.id, group, name: one.name, about: t("palette.key"), words: one.visible, act: point("keys", one.id) });
    for (const one of principals ?? [])
      if (one.kind === "user" || one.kind === "team") rows.push({ id: one.id, group, name: one.name, about: t(one.kind === "team" ? "palette.team" : "palette.person"), act: point("people", one.id) });
    for (const name of providers ?? []) rows.push({ id: `provider ${name}`, group, name, about: t("palette.provider"), act: point("models", "providers") });
    for (const one of config ?? [])
      if (!one.key.startsWith("providers.")) rows.push({ id: `value ${one.key}`, group, name: one.key, about: t("palette.value"), words: one.doc, act: point("server", one.key) });
    return rows;
  }, [keys, principals, providers, config, me.role, navigate, t]);
}

function useProviderNames() {
  const owner = useIsOwner();
  return useQuery({
    queryKey: ["providers", "names"],
    enabled: owner,
    queryFn: async () => {
      const all = await allPages((cursor) => body(api.GET("/admin/v1/providers", { params: { query: { limit: 1000, cursor } } })));
      return all.filter((one) => one.key.source !== "none" || one.origin !== "default").map((one) => one.name);
    },
  });
}
