# One image for mcpd, mcplocal and mcpctl; the command says which.
FROM node:22-bookworm-slim AS build
WORKDIR /src
COPY package.json package-lock.json .npmrc ./
RUN npm ci
COPY . .
RUN npm run build && npm prune --omit=dev

FROM node:22-bookworm-slim
# tini reaps what servers leave behind: mcpd runs other people's programs.
RUN apt-get update && apt-get install -y --no-install-recommends tini && rm -rf /var/lib/apt/lists/* \
  && mkdir -p /data && chown node:node /data
WORKDIR /app
COPY --from=build --chown=root:root /src/package.json ./package.json
COPY --from=build --chown=root:root /src/node_modules ./node_modules
COPY --from=build --chown=root:root /src/dist ./dist
COPY --from=build --chown=root:root /src/templates ./templates
RUN ln -s /app/dist/cli/bin/mcpctl.cjs /usr/local/bin/mcpctl \
  && ln -s /app/dist/cli/bin/mcpd.js /usr/local/bin/mcpd \
  && ln -s /app/dist/cli/bin/mcplocal.js /usr/local/bin/mcplocal \
  && chmod +x dist/cli/bin/*.cjs dist/cli/bin/*.js
USER node
ENV NODE_ENV=production MCPCTL_DATA_FOLDER=/data
VOLUME /data
EXPOSE 3100 3200
ENTRYPOINT ["tini", "--"]
CMD ["mcpd", "--host", "0.0.0.0"]
