# A node on one's own machines; docs/self-hosting.md says how to run it. Nothing is fetched when it runs.
FROM node:24-bookworm AS build
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
RUN npm ci
COPY . .
RUN npm run build && npm prune --omit=dev

FROM node:24-bookworm-slim
WORKDIR /app
# The slim image has no certificate authorities, and pools may be reached by TLS.
COPY --from=build /etc/ssl/certs /etc/ssl/certs
COPY --from=build /app/package.json /app/wrangler.toml ./
COPY --from=build /app/node_modules node_modules
COPY --from=build /app/shared shared
COPY --from=build /app/tools tools
COPY --from=build /app/dist dist
RUN mkdir -p /var/lib/warmpath && chown node:node /var/lib/warmpath
USER node
VOLUME /var/lib/warmpath
EXPOSE 8787
ENTRYPOINT ["node", "--disable-warning=ExperimentalWarning", "tools/serve/serve.ts", "--bundle", "dist", \
  "--config", "/etc/warmpath/mesh.toml", "--node", "/etc/warmpath/node.toml", \
  "--data", "/var/lib/warmpath/data", "--listen", "0.0.0.0:8787"]
